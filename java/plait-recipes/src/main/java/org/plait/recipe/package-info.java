/**
 * Training recipes around the kernels: what feeds them and what steers them, in pure Java.
 *
 * <p>A recipe decides which tokens reach {@code org.plait} and in which role; the kernels and the
 * objective stay the same.
 */
@NullMarked
package org.plait.recipe;

import org.jspecify.annotations.NullMarked;
