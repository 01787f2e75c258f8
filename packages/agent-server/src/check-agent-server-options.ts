import { auditChecks } from '@countersign/audit/internal'
import {
  checkOption,
  checkOptions,
  corsCheck,
  each,
  type OptionCheck,
  type OptionChecks,
  objectOr,
  proxiesCheck,
  restriction,
  wrongOption,
} from '@countersign/protocol/internal'
import type { KeyRotation } from '@countersign/store'
import type { AgentServerOptions } from './agent-server-options.js'
import type { WebBotKeys } from './bot-directory.js'

const rotationChecks: OptionChecks<KeyRotation> = {
  rotateEvery: 'number',
  publishAhead: 'number',
  algorithm: 'string',
  before: each('object'),
}

const botKeysCheck: OptionCheck = (value, place) => {
  if (typeof value !== 'function') checkOption(value, each('object'), place)
}

const webBotChecks: OptionChecks<WebBotKeys> = { keys: botKeysCheck }

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
  audit: restriction(objectOr({ ...auditChecks }, ['append', 'off'])),
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
  webBotAuth: { ...webBotChecks },
  telemetry: 'object',
  onEvent: 'function',
  trustedProxies: proxiesCheck,
  forwardedHeader: ['x-forwarded-for', 'forwarded'],
}

/** Refuses options that an agent server does not have. @throws TypeError that names the option, and what was probably meant */
export function checkAgentServerOptions(options: AgentServerOptions): void {
  checkOptions('createAgentServer', options, checks, ['id'])
}
