/** Fused kernels for language-model post-training; {@link org.plait} is the whole public API. */
module org.plait {
  requires transitive org.bytedeco.javacpp;
  requires static transitive org.jspecify;

  exports org.plait;
}
