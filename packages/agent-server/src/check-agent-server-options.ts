import {
  checkOptions,
  corsCheck,
  each,
  type OptionCheck,
  type OptionChecks,
  objectOr,
  proxiesCheck,
  restriction,
  wrongOption,
} from '@countersign/protocol'
import type { AgentServerOptions } from './agent-server-options.js'
import type { OidcIssuer, OidcOptions } from './oidc-rule.js'
import type { KeyRotation } from './own-keys.js'

const rotationChecks: OptionChecks<KeyRotation> = {
  rotateEvery: 'number',
  publishAhead: 'number',
  algorithm: 'string',
  before: each('object'),
}

const audienceCheck: OptionCheck = (value, place) => {
  const names = Array.isArray(value) ? value : [value]
  if (!names.every(name => typeof name === 'string')) throw wrongOption(place, 'a string or an array of strings')
}

const checks: OptionChecks<AgentServerOptions> = {
  id: 'string',
  keys: objectOr({ ...rotationChecks }, each('object')),
  database: 'string',
  epoch: 'object',
  knownKeys: ['check', 'replace', 'ignore'],
  name: 'string',
  redirectUris: 'strings',
  localhostCallbackAllowed: 'boolean',
  tokenLifetime: 'number',
  enrollment: each('object'),
  audience: audienceCheck,
  replay: 'object',
  now: 'function',
  development: 'boolean',
  cors: corsCheck,
  onEvent: 'function',
  trustedProxies: proxiesCheck,
  forwardedHeader: ['x-forwarded-for', 'forwarded'],
}

/** Refuses options that an agent server does not have. @throws TypeError that names the option, and what was probably meant */
export function checkAgentServerOptions(options: AgentServerOptions): void {
  checkOptions('createAgentServer', options, checks, ['id'])
}

const issuerChecks: OptionChecks<OidcIssuer> = {
  issuer: 'string',
  name: 'string',
  subjects: restriction('strings'),
  // By names of the issuer's own; each rule is judged where it is read.
  claims: restriction('object'),
  audience: restriction('string'),
  delegate: 'strings',
  algorithms: restriction('strings'),
  jwksUri: 'string',
  jwks: { keys: each('object') },
}

const oidcChecks: OptionChecks<OidcOptions> = { issuers: each({ ...issuerChecks }), fetcher: 'function' }

/** Refuses rules that do not say what they seem to: a misspelt `claims` would let every workload of the issuer enrol. @throws TypeError */
export function checkOidcOptions(options: OidcOptions): void {
  checkOptions('oidc', options, oidcChecks, ['issuers'])
  for (const issuer of options.issuers) checkOptions('oidc', issuer, issuerChecks, ['issuer', 'subjects'])
}
