"""What holds for the container images of images/build, shown on containers of them."""
