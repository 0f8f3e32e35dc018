"""What the tests share: real servers, a clock that can be set, organisers and keys."""
