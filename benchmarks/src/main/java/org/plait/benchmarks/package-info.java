/**
 * What the kernels cost, beside the same work in eager PyTorch and beside the machine's own memory
 * bandwidth: JMH benchmarks, {@link org.plait.benchmarks.Suite} that runs them all, and {@link
 * org.plait.benchmarks.Report} that makes the table.
 */
@NullMarked
package org.plait.benchmarks;

import org.jspecify.annotations.NullMarked;
