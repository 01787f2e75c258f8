import {
  checkOptions,
  corsCheck,
  each,
  eachMember,
  identifiersCheck,
  type OptionChecks,
  proxiesCheck,
  restriction,
} from '@countersign/protocol'
import type { DownstreamOptions } from './downstream/downstream.js'
import type { OAuthOptions } from './downstream/oauth-downstream.js'
import { denyCheck, limitsCheck } from './guard/check-requirement.js'
import type { ResourceOptions } from './options.js'

const oauthChecks: OptionChecks<OAuthOptions> = { apis: each('object'), tokens: 'object' }

const downstreamChecks: OptionChecks<DownstreamOptions> = {
  acceptAuthServer: restriction(identifiersCheck),
  identifyTo: restriction(identifiersCheck),
  name: 'string',
  redirectUris: 'strings',
  deadline: 'number',
  sessions: 'object',
  oauth: { ...oauthChecks },
  fetch: 'function',
}

const checks: OptionChecks<ResourceOptions> = {
  id: 'string',
  keys: each('object'),
  jwksPath: 'string',
  authServers: 'strings',
  scopes: eachMember('string'),
  authorities: 'strings',
  agents: restriction(identifiersCheck),
  deny: restriction(denyCheck),
  acceptOwnAgent: 'boolean',
  components: restriction('strings'),
  limits: restriction(limitsCheck),
  siteOf: 'function',
  resourceTokenLimit: 'string',
  failureLimit: 'string',
  discovery: 'object',
  replay: 'object',
  counter: 'object',
  tolerance: 'number',
  now: 'function',
  development: 'boolean',
  downstream: { ...downstreamChecks },
  cors: corsCheck,
  onEvent: 'function',
  requestId: 'function',
  telemetry: 'object',
  observe: 'boolean',
  trustedProxies: proxiesCheck,
  forwardedHeader: ['x-forwarded-for', 'forwarded'],
}

/**
 * Refuses options that a resource does not have: a misspelt list of agents, denials or limits would restrict no one.
 * @throws TypeError that names the option, and what was probably meant
 */
export function checkResourceOptions(options: ResourceOptions): void {
  checkOptions('createResource', options, checks, ['id', 'keys'])
}
