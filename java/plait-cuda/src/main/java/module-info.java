/** Memory, streams and events of CUDA devices for {@link org.plait}. */
module org.plait.cuda {
  requires org.bytedeco.cuda;
  requires transitive org.plait;
  requires static transitive org.jspecify;

  exports org.plait.cuda;
}
