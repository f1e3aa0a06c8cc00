// SPDX-License-Identifier: Apache-2.0
// The checker must refuse a case that compiles.
// expect: private
int fine() { return 0; }  // must not compile
