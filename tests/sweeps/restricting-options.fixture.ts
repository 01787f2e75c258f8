/** Members that restrict callers or their rights: an undefined one would restrict nothing. */
export const restrictions: ReadonlySet<string> = new Set([
  ...words('level scope scopes upstreamScopes agents delegates users sites deny via policy decision audit'),
  ...words('components replay limits anonymous pseudonymous identified authorized network agent site'),
  ...words('acceptAuthServer identifyTo authServers accept methods mcp dropHeaders'),
  ...words('session tools prompts resources subjects claims audience algorithms'),
  ...words('conditions approver delegation purposes operation describe approve kept witness'),
])

/** Members of these names whose default is the strictest, that must be there, or that bound what is held rather than who gets in. */
export const harmless: ReadonlySet<string> = new Set([
  ...words('AgentServerOptions.audience AgentServerOptions.replay AuthServerOptions.replay ResourceOptions.replay'),
  ...words('ResourceOptions.authServers ResourceOptions.scopes RequestQuota.agent DirectGrant.agent'),
  ...words('OpenidConnectOptions.scope OAuthApiOptions.scope SignMessageOptions.components ReplayCheck.replay'),
  ...words('VerifyMessageOptions.limits McpOptions.limits McpSessionOptions.limits ServeOptions.limits'),
  'store openStore options.limits',
  'ServeOptions.level',
  'server jsonLog options.level',
  'TokenCheck.audience',
  // Names for what others demand: a demand that names what is not there throws.
  ...words('ResourceOptions.purposes CedarOptions.conditions'),
  // What an agent says of itself, and which list is read: a receiver judges both by itself.
  ...words('AgentOptions.purposes ConditionOptions.delegation'),
])

function words(list: string): readonly string[] {
  return list.split(' ')
}
