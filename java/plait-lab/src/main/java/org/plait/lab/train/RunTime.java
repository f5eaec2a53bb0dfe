package org.plait.lab.train;

/**
 * Where the time of a run went, over all its resumptions.
 *
 * @param samplingNanos in recipes: sampling and rewards
 * @param updateNanos in forward, loss, backward and optimizer
 * @param lossNanos from logits to their gradient, summed over threads
 */
record RunTime(long samplingNanos, long updateNanos, long lossNanos) {

  static final RunTime ZERO = new RunTime(0, 0, 0);

  RunTime plus(RunTime other) {
    return new RunTime(
        samplingNanos + other.samplingNanos,
        updateNanos + other.updateNanos,
        lossNanos + other.lossNanos);
  }
}
