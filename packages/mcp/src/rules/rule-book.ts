import { nearestName } from '@countersign/protocol'
import type { Requirement, Resource } from '@countersign/resource'
import { checkMcpRules } from './check-rules.js'
import type { McpRules, Rules } from './mcp-rules.js'
import type { Doubt } from './names.js'
import type { Subject } from './rpc.js'
import { uriRules } from './uri-rules.js'

/** A requirement, and what it asks in words for a list. */
export interface Rule<S extends string> {
  readonly requirement: Requirement<S>
  readonly level: Requirement['level']
  readonly scope: readonly string[]
  /** No rule is for it, so nobody gets it. */
  readonly isClosed?: true
}

/** Rules that were checked. */
export interface RuleBook<S extends string> {
  /** For requests without a message: streams, and the end of a session. */
  readonly session: Rule<S>
  /** For a message. */
  find(subject: Subject): Rule<S>
  /** Whether a message goes by the rule for all others while rules name others, which must be proven first: see `nameProof`. */
  doubt(subject: Subject): Doubt | undefined
}

/** What a signature must cover beside the usual: whose session it is, and what of it is asked for. */
const components = ['mcp-session-id', 'mcp-protocol-version', 'last-event-id']

/** What all rules have. */
export interface Common<S extends string> extends Pick<Requirement<S>, 'alsoAccept' | 'components'> {
  /** Stands before what they are called in events. */
  readonly name?: string
}

/**
 * @param common bearer tokens are taken by those that can take them
 * @throws TypeError for a requirement nobody could meet
 */
export function ruleBook<S extends string>(
  resource: Resource<S>,
  rules: McpRules<S>,
  { name: prefix, alsoAccept, components: more = [] }: Common<S> = {},
): RuleBook<S> {
  checkMcpRules(rules)
  const { session = { level: 'identified' }, tools = { '*': session }, prompts, resources, optional = [] } = rules
  checkOptional(optional, { ...tools, ...prompts })
  const declare = (name: string, own: Requirement<S>): Rule<S> => {
    const isOpen = alsoAccept !== undefined && own.agents === undefined && own.via === undefined
    const named = { name: prefix === undefined ? name : `${prefix} ${name}`, ...own }
    // As it is written: what is added below hides that it was `undefined`, as of a misspelt name.
    resource.declare(named)
    const requirement = resource.declare({
      ...(isOpen ? { alsoAccept } : {}),
      ...named,
      components: [...components, ...more, ...(own.components ?? [])],
      // A stream that somebody opens with what another has sent would tell them all.
      replay: 'all',
    })
    const scope = own.scope === undefined ? [] : [own.scope].flat()
    const level = own.level ?? (scope.length > 0 ? 'authorized' : 'identified')
    return { requirement, level, scope }
  }
  const base = declare('session', session)
  const nobody: Rule<S> = { ...declare('no rule', { ...session, policy: () => false }), isClosed: true }
  // Maps, since a name is a stranger's: `constructor` and `__proto__` are names like any other.
  const table = (kind: string, rules: Rules<S>): Map<string, Rule<S>> =>
    new Map(Object.entries(rules).map(([name, rule]) => [name, declare(`${kind} ${name}`, rule)]))
  const byTool = table('tool', tools)
  const byPrompt = prompts === undefined ? new Map([['*', base]]) : table('prompt', prompts)
  const ofUri = uriRules(resources === undefined ? new Map([['*', base]]) : table('resource', resources))
  const named = { tool: mustBeThere(byTool, optional), prompt: mustBeThere(byPrompt, optional) }
  return {
    session: base,
    doubt(subject) {
      const { kind } = subject
      if (kind !== 'tool' && kind !== 'prompt') return undefined
      const table = kind === 'tool' ? byTool : byPrompt
      return table.has(subject.name) || !table.has('*') || named[kind].length === 0
        ? undefined
        : { kind, rules: named[kind] }
    },
    find(subject) {
      switch (subject.kind) {
        case 'tool':
          return byTool.get(subject.name) ?? byTool.get('*') ?? nobody
        case 'prompt':
          return byPrompt.get(subject.name) ?? byPrompt.get('*') ?? nobody
        case 'resource':
          return ofUri(subject.name) ?? nobody
        case 'session':
          return base
      }
    },
  }
}

function mustBeThere(table: ReadonlyMap<string, unknown>, optional: readonly string[]): string[] {
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
