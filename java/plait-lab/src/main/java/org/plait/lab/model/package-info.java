/**
 * A small GPT on the PyTorch presets: parameters in one flat buffer, forward pass, sampling with a
 * key-value cache, AdamW, and threads that share a batch between them.
 */
@NullMarked
package org.plait.lab.model;

import org.jspecify.annotations.NullMarked;
