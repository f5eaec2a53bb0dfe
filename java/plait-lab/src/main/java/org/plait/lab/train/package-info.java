/**
 * Training on the task: recipes, the loss through Plait or textbook PyTorch, the base policy,
 * evaluation, checkpoints, metrics and curves.
 */
@NullMarked
package org.plait.lab.train;

import org.jspecify.annotations.NullMarked;
