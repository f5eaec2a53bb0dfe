/** Binding to {@code plait.h}. Not exported and not part of the public API. */
@NullMarked
package org.plait.internal;

import org.jspecify.annotations.NullMarked;
