import { checkOptions, each, eachMember, type OptionCheck, type OptionChecks, wrongOption } from '@countersign/protocol'
import { denyCheck, identifiersCheck, limitsCheck } from './check-requirement.js'
import type { DownstreamOptions } from './downstream.js'
import type { OAuthOptions } from './oauth-downstream.js'
import type { ResourceOptions } from './resource.js'

const proxiesCheck: OptionCheck = (value, place) => {
  if (typeof value !== 'number' && !Array.isArray(value))
    throw wrongOption(place, 'a number of hops or a list of addresses')
}

/** Its range is checked where it is used, by a RangeError. */
const toleranceCheck: OptionCheck = (value, place) => {
  if (typeof value !== 'number') throw wrongOption(place, 'a number of seconds')
}

const corsCheck: OptionCheck = (value, place) => {
  if (value !== '*' && !Array.isArray(value)) throw wrongOption(place, "'*' or an array of origins")
}

const oauthChecks: OptionChecks<OAuthOptions> = { apis: each('object'), tokens: 'object' }

const downstreamChecks: OptionChecks<DownstreamOptions> = {
  acceptAuthServer: identifiersCheck,
  identifyTo: identifiersCheck,
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
  agents: identifiersCheck,
  deny: denyCheck,
  acceptOwnAgent: 'boolean',
  components: 'strings',
  limits: limitsCheck,
  siteOf: 'function',
  resourceTokenLimit: 'string',
  discovery: 'object',
  replay: 'object',
  counter: 'object',
  tolerance: toleranceCheck,
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
 * Refuses options that a resource does not have: a misspelt list of agents, denials or limits would hold nobody back.
 * @throws TypeError that names the option, and what was probably meant
 */
export function checkResourceOptions(options: ResourceOptions): void {
  checkOptions('createResource', options, checks, ['id', 'keys'])
}
