import {
  checkOptions,
  each,
  eachMember,
  isObject,
  type OptionCheck,
  type OptionChecks,
  restriction,
  wrongOption,
} from '@countersign/protocol/internal'
import type { CheckOptions, GatewayOptions, GatewayRoute } from './options.js'

const mcpChecks: OptionChecks<NonNullable<GatewayRoute['mcp']>> = {
  tools: restriction(eachMember('object')),
  prompts: restriction(eachMember('object')),
  resources: restriction(eachMember('object')),
  optional: 'strings',
}

// The requirement of a route is checked by the resource, like every requirement.
const routeChecks: OptionChecks<GatewayRoute> = {
  path: 'string',
  methods: restriction('strings'),
  requirement: 'object',
  mcp: restriction({ ...mcpChecks }),
}

const routes: OptionCheck = each({ ...routeChecks })
/** A key may have further members, as published keys do. */
const identity: OptionCheck = (value, place) => {
  if (value !== 'headers' && !(isObject(value) && typeof value['kid'] === 'string' && isObject(value['key'])))
    throw wrongOption(place, "'headers', or a key of the resource")
}

const gatewayChecks: OptionChecks<GatewayOptions> = {
  resource: 'object',
  upstream: 'string',
  routes,
  timeout: 'number',
  healthPath: 'string',
  identity,
  dropHeaders: restriction('strings'),
  onUpstream: 'function',
  now: 'function',
}

const checkChecks: OptionChecks<CheckOptions> = {
  resource: 'object',
  routes,
  proxy: ['nginx', 'envoy'],
  bodies: ['refuse', 'seen', 'unseen'],
  identity,
  now: 'function',
}

/** Refuses unknown options: a misspelt `mcp` of a route would leave all tools to one rule. @throws TypeError */
export function checkGatewayOptions(options: GatewayOptions): void {
  checkOptions('createGateway', options, gatewayChecks, ['resource', 'upstream', 'routes'])
}

/** Refuses unknown options of a check. @throws TypeError */
export function checkCheckOptions(options: CheckOptions): void {
  checkOptions('createCheck', options, checkChecks, ['resource', 'routes', 'proxy'])
}
