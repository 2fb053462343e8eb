"""Who a person is and which groups she is in, from her institute's OpenID provider."""
