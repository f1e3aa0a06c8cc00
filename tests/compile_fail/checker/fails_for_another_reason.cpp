// SPDX-License-Identifier: Apache-2.0
// The checker must refuse a case that fails for another reason than the one it names.
// expect: private
int wrong() { return nothing_of_this_name; }  // must not compile
