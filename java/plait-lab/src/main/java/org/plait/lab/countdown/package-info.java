/**
 * The task: reach a target by combining numbers step by step, with every intermediate value written
 * out. Problems, the expert that solves them, the verifier that rewards an answer, and the splits.
 */
@NullMarked
package org.plait.lab.countdown;

import org.jspecify.annotations.NullMarked;
