/** Zero-copy bridge from Bytedeco PyTorch tensors to {@link org.plait}. */
module org.plait.torch {
  requires transitive org.bytedeco.pytorch;
  requires transitive org.plait;
  requires static transitive org.jspecify;

  exports org.plait.torch;
}
