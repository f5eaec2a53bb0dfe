package org.plait.lab.train;

/**
 * How well a policy does on problems it does not train on, as fractions.
 *
 * @param greedy solved by the most probable tokens
 * @param sampled solved, over all samples at temperature 1
 * @param passAtK problems solved by at least one of their samples
 * @param entropy mean over the tokens of the policy's own samples, in nats
 */
public record Evaluation(double greedy, double sampled, double passAtK, double entropy) {}
