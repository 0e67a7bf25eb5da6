"""The methods of Google's JSON API (storage v1) and their query parameters, with an address and a body that a prepared World
answers. In braces: names of the World's attributes. After "->": 501 where the method is refused, else the status of its answer."""

METHODS_TEXT = """
buckets.delete DELETE b/{empty} -> 204
  ifMetagenerationMatch ifMetagenerationNotMatch userProject
buckets.get GET b/{lists} -> 200
  generation ifMetagenerationMatch ifMetagenerationNotMatch projection softDeleted userProject
buckets.getIamPolicy GET b/{lists}/iam -> 200
  optionsRequestedPolicyVersion userProject
buckets.getStorageLayout GET b/{lists}/storageLayout -> 200
  prefix
buckets.insert POST b {"name":"{fresh}"} -> 200
  enableObjectRetention predefinedAcl predefinedDefaultObjectAcl project projection userProject
buckets.list GET b -> 200
  maxResults pageToken prefix project projection returnPartialSuccess softDeleted userProject
buckets.lockRetentionPolicy POST b/{retained}/lockRetentionPolicy?ifMetagenerationMatch=1 -> 200
  ifMetagenerationMatch userProject
buckets.operations.advanceRelocateBucket POST b/{folders}/operations/{operation}/advanceRelocateBucket {} -> 501
buckets.operations.cancel POST b/{folders}/operations/{operation}/cancel -> 204
buckets.operations.get GET b/{folders}/operations/{operation} -> 200
buckets.operations.list GET b/{folders}/operations -> 200
  filter pageSize pageToken
buckets.patch PATCH b/{lists} {} -> 200
  ifMetagenerationMatch ifMetagenerationNotMatch predefinedAcl predefinedDefaultObjectAcl projection userProject
buckets.relocate POST b/{lists}/relocate {} -> 501
buckets.restore POST b/{lost}/restore?generation={lost_generation} -> 200
  generation projection userProject
buckets.setIamPolicy PUT b/{folders}/iam {"bindings":[]} -> 200
  userProject
buckets.testIamPermissions GET b/{lists}/iam/testPermissions?permissions=storage.objects.get -> 200
  permissions userProject
buckets.update PUT b/{lists} {} -> 200
  ifMetagenerationMatch ifMetagenerationNotMatch predefinedAcl predefinedDefaultObjectAcl projection userProject
bucketAccessControls.delete DELETE b/{lists}/acl/allUsers -> 204
  userProject
bucketAccessControls.get GET b/{lists}/acl/allUsers -> 200
  userProject
bucketAccessControls.insert POST b/{lists}/acl {"entity":"allAuthenticatedUsers","role":"READER"} -> 200
  userProject
bucketAccessControls.list GET b/{lists}/acl -> 200
  userProject
bucketAccessControls.patch PATCH b/{lists}/acl/allUsers {"role":"WRITER"} -> 200
  userProject
bucketAccessControls.update PUT b/{lists}/acl/allUsers {"role":"WRITER"} -> 200
  userProject
defaultObjectAccessControls.delete DELETE b/{lists}/defaultObjectAcl/allUsers -> 204
  userProject
defaultObjectAccessControls.get GET b/{lists}/defaultObjectAcl/allUsers -> 200
  userProject
defaultObjectAccessControls.insert POST b/{lists}/defaultObjectAcl {"entity":"allAuthenticatedUsers","role":"READER"} -> 200
  userProject
defaultObjectAccessControls.list GET b/{lists}/defaultObjectAcl -> 200
  ifMetagenerationMatch ifMetagenerationNotMatch userProject
defaultObjectAccessControls.patch PATCH b/{lists}/defaultObjectAcl/allUsers {"role":"OWNER"} -> 200
  userProject
defaultObjectAccessControls.update PUT b/{lists}/defaultObjectAcl/allUsers {"role":"OWNER"} -> 200
  userProject
objectAccessControls.delete DELETE b/{lists}/o/k/acl/allUsers -> 204
  generation userProject
objectAccessControls.get GET b/{lists}/o/k/acl/allUsers -> 200
  generation userProject
objectAccessControls.insert POST b/{lists}/o/k/acl {"entity":"allAuthenticatedUsers","role":"READER"} -> 200
  generation userProject
objectAccessControls.list GET b/{lists}/o/k/acl -> 200
  generation userProject
objectAccessControls.patch PATCH b/{lists}/o/k/acl/allUsers {"role":"OWNER"} -> 200
  generation userProject
objectAccessControls.update PUT b/{lists}/o/k/acl/allUsers {"role":"OWNER"} -> 200
  generation userProject
folders.delete DELETE b/{folders}/folders/f%2F -> 204
  ifMetagenerationMatch ifMetagenerationNotMatch
folders.deleteRecursive POST b/{folders}/folders/s%2F/deleteRecursive -> 200
  ifMetagenerationMatch ifMetagenerationNotMatch
folders.get GET b/{folders}/folders/f%2F -> 200
  ifMetagenerationMatch ifMetagenerationNotMatch
folders.insert POST b/{folders}/folders {"name":"g/h/"} -> 412
  recursive
folders.list GET b/{folders}/folders -> 200
  delimiter endOffset pageSize pageToken prefix startOffset
folders.rename POST b/{folders}/folders/f%2F/renameTo/folders/t%2F -> 200
  ifSourceMetagenerationMatch ifSourceMetagenerationNotMatch
managedFolders.delete DELETE b/{folders}/managedFolders/m%2F -> 204
  allowNonEmpty ifMetagenerationMatch ifMetagenerationNotMatch
managedFolders.get GET b/{folders}/managedFolders/m%2F -> 200
  ifMetagenerationMatch ifMetagenerationNotMatch
managedFolders.getIamPolicy GET b/{folders}/managedFolders/m%2F/iam -> 200
  optionsRequestedPolicyVersion userProject
managedFolders.insert POST b/{folders}/managedFolders {"name":"n/"} -> 200
managedFolders.list GET b/{folders}/managedFolders -> 200
  pageSize pageToken prefix
managedFolders.setIamPolicy PUT b/{folders}/managedFolders/m%2F/iam {"bindings":[]} -> 200
  userProject
managedFolders.testIamPermissions GET b/{folders}/managedFolders/m%2F/iam/testPermissions?permissions=storage.objects.get -> 200
  permissions userProject
managedFolders.update PATCH b/{folders}/managedFolders/m%2F {} -> 200
  ifMetagenerationMatch ifMetagenerationNotMatch
notifications.delete DELETE b/{lists}/notificationConfigs/{notification} -> 204
  userProject
notifications.get GET b/{lists}/notificationConfigs/{notification} -> 200
  userProject
notifications.insert POST b/{lists}/notificationConfigs {"topic":"projects/p/topics/orders","payload_format":"NONE"} -> 200
  userProject
notifications.list GET b/{lists}/notificationConfigs -> 200
  userProject
objects.bulkRestore POST b/{lists}/o/bulkRestore {} -> 200
objects.compose POST b/{lists}/o/there/compose {"sourceObjects":[{"name":"k"}]} -> 200
  destinationPredefinedAcl dropContextGroups ifGenerationMatch ifMetagenerationMatch kmsKeyName userProject
objects.copy POST b/{lists}/o/k/copyTo/b/{lists}/o/there {} -> 200
  destinationKmsKeyName destinationPredefinedAcl ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch ifMetagenerationNotMatch
  ifSourceGenerationMatch ifSourceGenerationNotMatch ifSourceMetagenerationMatch ifSourceMetagenerationNotMatch projection
  sourceGeneration userProject
objects.delete DELETE b/{lists}/o/k -> 204
  generation ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch ifMetagenerationNotMatch userProject
objects.get GET b/{lists}/o/k -> 200
  generation ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch ifMetagenerationNotMatch projection restoreToken softDeleted
  userProject
objects.getIamPolicy GET b/{lists}/o/k/iam -> 501
  generation userProject
objects.insert POST b/{lists}/o {"name":"k"} -> 200
  contentEncoding ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch ifMetagenerationNotMatch kmsKeyName name predefinedAcl
  projection userProject
objects.list GET b/{lists}/o -> 200
  delimiter endOffset filter includeFoldersAsPrefixes includeTrailingDelimiter matchGlob maxResults pageToken prefix projection
  softDeleted startOffset userProject versions
objects.move POST b/{lists}/o/k/moveTo/o/there -> 200
  ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch ifMetagenerationNotMatch ifSourceGenerationMatch
  ifSourceGenerationNotMatch ifSourceMetagenerationMatch ifSourceMetagenerationNotMatch projection userProject
objects.patch PATCH b/{lists}/o/k {} -> 200
  generation ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch ifMetagenerationNotMatch overrideUnlockedRetention
  predefinedAcl projection userProject
objects.restore POST b/{lists}/o/gone/restore?generation={gone_generation} -> 200
  copySourceAcl generation ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch ifMetagenerationNotMatch projection
  restoreToken userProject
objects.rewrite POST b/{lists}/o/k/rewriteTo/b/{lists}/o/there {} -> 200
  destinationKmsKeyName destinationPredefinedAcl dropContextGroups ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch
  ifMetagenerationNotMatch ifSourceGenerationMatch ifSourceGenerationNotMatch ifSourceMetagenerationMatch
  ifSourceMetagenerationNotMatch maxBytesRewrittenPerCall projection rewriteToken sourceGeneration userProject
objects.setIamPolicy PUT b/{lists}/o/k/iam {} -> 501
  generation userProject
objects.testIamPermissions GET b/{lists}/o/k/iam/testPermissions?permissions=storage.objects.get -> 200
  generation permissions userProject
objects.update PUT b/{lists}/o/k {} -> 200
  generation ifGenerationMatch ifGenerationNotMatch ifMetagenerationMatch ifMetagenerationNotMatch overrideUnlockedRetention
  predefinedAcl projection userProject
objects.viewFullContext GET b/{lists}/o/k/viewFullContext?contextKey=c -> 200
  contextKey generation userProject
projects.hmacKeys.create POST projects/p/hmacKeys?serviceAccountEmail={email} -> 200
  serviceAccountEmail userProject
projects.hmacKeys.delete DELETE projects/p/hmacKeys/{inactive} -> 204
  userProject
projects.hmacKeys.get GET projects/p/hmacKeys/{inactive} -> 200
  userProject
projects.hmacKeys.list GET projects/p/hmacKeys -> 200
  maxResults pageToken serviceAccountEmail showDeletedKeys userProject
projects.hmacKeys.update PUT projects/p/hmacKeys/{inactive} {"state":"ACTIVE"} -> 200
  userProject
projects.serviceAccount.get GET projects/p/serviceAccount -> 200
  userProject
anywhereCaches.disable POST b/{lists}/anywhereCaches/x/disable -> 501
anywhereCaches.get GET b/{lists}/anywhereCaches/x -> 501
anywhereCaches.insert POST b/{lists}/anywhereCaches {} -> 501
anywhereCaches.list GET b/{lists}/anywhereCaches -> 501
  pageSize pageToken
anywhereCaches.pause POST b/{lists}/anywhereCaches/x/pause -> 501
anywhereCaches.resume POST b/{lists}/anywhereCaches/x/resume -> 501
anywhereCaches.update PATCH b/{lists}/anywhereCaches/x {} -> 501
rapidCaches.disable POST b/{lists}/rapidCaches/x/disable -> 501
rapidCaches.get GET b/{lists}/rapidCaches/x -> 501
rapidCaches.insert POST b/{lists}/rapidCaches {} -> 501
rapidCaches.list GET b/{lists}/rapidCaches -> 501
  pageSize pageToken
rapidCaches.update PATCH b/{lists}/rapidCaches/x {} -> 501
"""


class Method:
    def __init__(self, head):
        self.name, self.verb, rest = head.split(" ", 2)
        rest, _, status = rest.rpartition(" -> ")
        self.address, _, self.body = rest.partition(" ")
        self.status = int(status)
        self.parameters = []

    def refused(self):
        return self.status == 501


def parse(text):
    methods = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            methods[-1].parameters += line.split()
        else:
            methods.append(Method(line))
    return {method.name: method for method in methods}


METHODS = parse(METHODS_TEXT)
# Of every method. What the last four say is for Google's books alone.
GLOBAL_PARAMETERS = ["alt", "fields", "oauth_token", "prettyPrint", "key", "quotaUser", "uploadType", "userIp"]

# Fields of resources: how they are sent, or what computes them, is in test_gcs_json_fields.py.
BUCKET_FIELDS = """
acl autoclass billing cors customPlacementConfig defaultEventBasedHold defaultObjectAcl encryption etag generation hardDeleteTime
hierarchicalNamespace iamConfiguration id ipFilter kind labels lifecycle location locationType logging metageneration name
objectRetention owner projectNumber retentionPolicy rpo satisfiesPZI satisfiesPZS selfLink softDeletePolicy softDeleteTime storageClass
timeCreated updated versioning website
""".split()
OBJECT_FIELDS = """
acl bucket cacheControl componentCount contentDisposition contentEncoding contentLanguage contentType contexts crc32c customTime
customerEncryption etag eventBasedHold generation hardDeleteTime id kind kmsKeyName md5Hash mediaLink metadata metageneration name owner
restoreToken retention retentionExpirationTime selfLink size softDeleteTime storageClass temporaryHold timeCreated timeDeleted
timeFinalized timeStorageClassUpdated updated
""".split()
