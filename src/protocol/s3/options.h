#pragma once

#include <string>
#include <vector>

namespace beringia::protocol::s3 {

struct Options {
  /// What x-amz-bucket-region and GetBucketLocation tell. Clients may sign for any region.
  std::string region = "us-east-1";
  /// "s3.example.com": requests to bucket.s3.example.com address that bucket (virtual-host style).
  /// Empty: only path style.
  std::vector<std::string> domains;
  /// "website.example.com": bucket.website.example.com is that bucket as a website.
  std::vector<std::string> website_domains;
  /// Of buckets whose creation does not say: BucketOwnerEnforced (ACLs are off),
  /// BucketOwnerPreferred or ObjectWriter.
  std::string object_ownership = "BucketOwnerEnforced";
  /// SigV2 in headers and queries is taken (in forms it always is).
  bool signature_v2 = false;
  /// Customers' encryption keys are also taken from requests without TLS: something in front of us
  /// speaks it.
  bool customer_keys_over_http = false;
};

}  // namespace beringia::protocol::s3
