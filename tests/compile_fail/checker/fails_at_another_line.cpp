// SPDX-License-Identifier: Apache-2.0
// The checker must refuse a case that fails where it was not meant to.
// expect: nothing_of_this_name
int wrong() { return nothing_of_this_name; }
int meant() { return nothing_of_this_name; }  // must not compile
