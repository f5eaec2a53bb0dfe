/** Recipes compared: the same training with each of them and several seeds, and a report on it. */
@NullMarked
package org.plait.lab.compare;

import org.jspecify.annotations.NullMarked;
