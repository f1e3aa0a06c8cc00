// SPDX-License-Identifier: Apache-2.0
// An object that allocates: freestanding_symbols.sh must refuse it, or it tests nothing.
int* allocated_on_a_bare_machine();
int* allocated_on_a_bare_machine() { return new int(1); }
