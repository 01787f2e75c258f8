import { foldedName, misspeltFrom, nearestName } from '@countersign/protocol/internal'
import type { Requirement, Resource, RouteHandling } from '@countersign/resource'
import { besideOf } from '@countersign/resource/internal'
import { checkMcpRules } from './check-rules.js'
import type { McpRules, Rules } from './mcp-rules.js'
import type { Doubt } from './names.js'
import type { Subject } from './rpc.js'
import { uriRules } from './uri-rules.js'

/** A requirement, with the level and scopes that lists show. */
export interface Rule<S extends string> {
  readonly requirement: Requirement<S>
  readonly level: Requirement['level']
  readonly scope: readonly string[]
  /** No rule covers the name, so no caller passes. */
  readonly isClosed?: true
  /** For requests about a task that came of the tool, where they need less than the call: no approval, and no words about it. */
  readonly ofTask?: Requirement<S>
}

/** Checked rules. */
export interface RuleBook<S extends string> {
  /** For requests without a message: streams, and the end of a session. */
  readonly session: Rule<S>
  /** For what no caller may do. */
  readonly closed: Rule<S>
  /** The rule of a message. */
  find(subject: Subject): Rule<S>
  /** The rules to prove before a message may pass under the rule `*`, see `nameProof`; undefined where none is in doubt. */
  doubt(subject: Subject): Doubt | undefined
}

/** Components that signatures must cover in addition: what the message names, the session, and the part of it that is requested. */
const components = ['mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'last-event-id']

/** What all rules share. */
export interface Common<S extends string> {
  readonly alsoAccept?: Requirement<S>['alsoAccept'] | undefined
  /** Components that signatures must cover in addition to those of MCP. */
  readonly components?: Requirement<S>['components']
  /** Prefix of the rules' names in events. */
  readonly name?: string
}

/**
 * Declares and checks the rules of an MCP server.
 * @param common `alsoAccept` is added to the rules that can accept bearer tokens
 * @throws TypeError for a requirement that no caller could meet
 */
export function ruleBook<S extends string>(
  resource: Resource<S>,
  rules: McpRules<S>,
  common: Common<S> = {},
): RuleBook<S> {
  checkMcpRules(rules)
  const { session = { level: 'identified' }, tools = { '*': session }, prompts, resources, optional = [] } = rules
  checkSession(session)
  checkOptional(optional, { ...tools, ...prompts })
  const declare = (name: string, own: Requirement<S>): Rule<S> => declareRule(resource, { name, own, common })
  // Maps, not objects: callers choose the names, and `constructor` or `__proto__` would be found in any object.
  // bound: fixed
  const table = (kind: string, rules: Rules<S>): Map<string, Rule<S>> =>
    new Map(Object.entries(rules).map(([name, rule]) => [name, declare(`${kind} ${name}`, rule)]))
  const operations = Object.entries(tools).map(([name, rule]) => [name, asOperation(name, rule)])
  const base = declare('session', session)
  const closed: Rule<S> = { ...declare('no rule', { ...session, policy: () => false }), isClosed: true }
  const tables = {
    tool: table('tool', Object.fromEntries(operations)),
    // bound: fixed
    prompt: prompts === undefined ? new Map([['*', base]]) : table('prompt', prompts),
  }
  checkApart('tool', tables.tool)
  checkApart('prompt', tables.prompt)
  const misspelt = { tool: misspeltFrom(tables.tool.keys()), prompt: misspeltFrom(tables.prompt.keys()) }
  const required = { tool: requiredNames(tables.tool, optional), prompt: requiredNames(tables.prompt, optional) }
  // bound: fixed
  const uriRule = uriRules(resources === undefined ? new Map([['*', base]]) : table('resource', resources))
  // One request is judged by one rule: what goes by others is subscribed to by another request.
  const ofAll = ({ uris, ofLists }: Subject & { readonly kind: 'changes' }): Rule<S> | undefined => {
    const first = ofLists ? base : uriRule(uris[0] ?? '')
    return uris.every(uri => uriRule(uri) === first) ? first : undefined
  }
  return {
    session: base,
    closed,
    doubt(subject) {
      if (subject.kind !== 'tool' && subject.kind !== 'prompt') return undefined
      const { kind, name } = subject
      const isByOthers = !tables[kind].has(name) && tables[kind].has('*')
      return isByOthers && required[kind].length > 0 ? { kind, rules: required[kind] } : undefined
    },
    find(subject) {
      if (subject.kind === 'session') return base
      if (subject.kind === 'resource') return uriRule(subject.name) ?? closed
      if (subject.kind === 'changes') return ofAll(subject) ?? closed
      const own = tables[subject.kind]
      // A server that folds names would run `SEND_EMAIL` under the rule of all others.
      if (misspelt[subject.kind](subject.name) !== undefined) return closed // mcp.name-spellings
      return own.get(subject.name) ?? own.get('*') ?? closed
    },
  }
}

/** A server that folds names has one of the two only, and either rule could be the laxer one. */
function checkApart(kind: string, table: ReadonlyMap<string, unknown>): void {
  if (new Set([...table.keys()].map(foldedName)).size < table.size)
    throw new TypeError(`two rules are for one ${kind} in different spellings`)
}

/** Said of a session they would not be said of its tools, which are operations of their own names. */
function checkSession({ operation, describe, unshown, approve }: Requirement<string>): void {
  if ([operation, describe, unshown, approve].some(said => said !== undefined))
    throw new TypeError('session: operation, describe, unshown and approve belong to the rules of tools')
}

/** A tool is an operation of its own name. Of the others the message tells it; a rule that is about it must say it. */
function asOperation<S extends string>(name: string, rule: Requirement<S>): Requirement<S> {
  return isAboutOperation(rule) && rule.operation === undefined && name !== '*' ? { ...rule, operation: name } : rule
}

function isAboutOperation({ describe, unshown, approve }: Requirement<string>): boolean {
  return [describe, unshown, approve].some(said => said !== undefined)
}

/** Both guards show what conditions let out of an answer, see `showMessage`. */
const handling: RouteHandling = { answers: 'projected' }

interface Declared<S extends string> {
  readonly name: string
  readonly own: Requirement<S>
  readonly common: Common<S>
}

function declareRule<S extends string>(resource: Resource<S>, { name, own, common }: Declared<S>): Rule<S> {
  const { name: prefix, alsoAccept, components: more = [] } = common
  const isForAgents = [own.agents, own.via, own.purposes, own.approve].some(asked => asked !== undefined)
  const isForBearers = alsoAccept !== undefined && !isForAgents
  // A bot is no owner: what one opened would be anybody's who knows its id.
  for (const beside of [alsoAccept, own.alsoAccept])
    if (besideOf(beside).webBot !== undefined)
      throw new TypeError('webBot does not go with MCP: what a call opens belongs to an agent, a key or a user')
  const named = { name: prefix === undefined ? name : `${prefix} ${name}`, ...own }
  // Checked as written: the lists added below would hide an `undefined` from a misspelt name.
  resource.declare(named, handling)
  const rule: Requirement<S> = {
    ...(isForBearers ? { alsoAccept } : {}),
    ...named,
    components: [...components, ...more, ...(own.components ?? [])],
    // A replayed GET would open a stream of the session for an attacker.
    replay: 'all',
  }
  const requirement = resource.declare(rule, handling)
  const scope = own.scope === undefined ? [] : [own.scope].flat()
  const level = own.level ?? (scope.length > 0 ? 'authorized' : 'identified')
  const { operation: _operation, describe: _describe, unshown: _unshown, approve: _approve, ...plain } = rule
  const ofTask = isAboutOperation(rule)
    ? { ofTask: resource.declare({ ...plain, name: `${named.name}, its tasks` }, handling) }
    : {}
  return { requirement, level, scope, ...ofTask }
}

/** The names that the server must list. */
function requiredNames(table: ReadonlyMap<string, unknown>, optional: readonly string[]): string[] {
  return [...table.keys()].filter(name => name !== '*' && !optional.includes(name))
}

function checkOptional(optional: readonly string[], rules: object): void {
  for (const name of optional) {
    if (Object.hasOwn(rules, name)) continue
    const meant = nearestName(name, Object.keys(rules))
    throw new TypeError(
      `optional: there is no rule for '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`,
    )
  }
}
