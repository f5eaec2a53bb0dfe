/**
 * The definition of every kernel in float64: straightforward, unoptimised, and independent of the
 * kernels and of their binding. What is right is decided here; {@code verify} and the tests compare
 * everything else with it.
 */
@NullMarked
package org.plait.lab.oracle;

import org.jspecify.annotations.NullMarked;
