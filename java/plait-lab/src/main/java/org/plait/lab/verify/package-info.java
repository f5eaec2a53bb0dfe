/**
 * {@code plait verify}: every kernel against the float64 oracle, PyTorch and recorded cases.
 *
 * <p>{@link org.plait.lab.verify.ErrorNorm} says when a kernel is right, {@link
 * org.plait.lab.verify.CaseFile} how cases are written down.
 */
@NullMarked
package org.plait.lab.verify;

import org.jspecify.annotations.NullMarked;
