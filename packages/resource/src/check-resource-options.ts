import { parseConditions } from '@countersign/conditions'
import {
  checkOption,
  checkOptions,
  corsCheck,
  each,
  eachMember,
  identifiersCheck,
  type OptionCheck,
  type OptionChecks,
  objectOr,
  proxiesCheck,
  restriction,
  wrongOption,
} from '@countersign/protocol/internal'
import type { DescribedDataView, DescribedOperation } from './approval/words.js'
import type { DownstreamOptions } from './downstream/downstream.js'
import type { OAuthOptions } from './downstream/oauth-downstream.js'
import { denyCheck, limitsCheck } from './guard/check-requirement.js'
import type { DescribedScope } from './guard/described-scope.js'
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

const describedChecks: OptionChecks<DescribedScope & DescribedOperation> = { description: 'string', grave: 'boolean' }
const dataViewChecks: OptionChecks<DescribedDataView> = { description: 'string', fields: 'strings' }

/** A description, or an object with one. */
const describedCheck: OptionCheck = (value, place) => {
  if (typeof value === 'object' && value !== null && Reflect.get(value, 'description') === undefined)
    throw wrongOption(place, 'a text, or an object with a description')
  checkOption(value, objectOr({ ...describedChecks }, 'string'), place)
}

/** An object with a description and at least one pointer that a `data` condition could hold. */
const dataViewCheck: OptionCheck = (value, place) => {
  checkOption(value, { ...dataViewChecks }, place)
  const { description, fields } = value as Partial<DescribedDataView>
  if (description === undefined || !isFields(fields))
    throw wrongOption(place, 'a description, and fields as JSON pointers')
}

function isFields(fields: readonly string[] | undefined): boolean {
  try {
    parseConditions([{ type: 'data', resource: 'https://api.example', fields }])
    return true
  } catch {
    return false
  }
}

const checks: OptionChecks<ResourceOptions> = {
  id: 'string',
  keys: each('object'),
  jwksPath: 'string',
  authServers: 'strings',
  scopes: eachMember(describedCheck),
  purposes: eachMember('string'),
  operations: eachMember(describedCheck),
  dataViews: eachMember(dataViewCheck),
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
  revocations: (value, place) => checkOption(value, value === 'none' ? ['none'] : 'object', place),
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
