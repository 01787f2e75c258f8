import { createHash } from 'node:crypto'
import {
  type AuthorizationAnswer,
  type EntityJson,
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs'
import { type Conditions, parseConditions } from '@countersign/conditions'
import type { AAuthError } from '@countersign/protocol'
import { checkOptions, eachMember, type OptionChecks, refusal } from '@countersign/protocol/internal'
import type { Policy, PolicyRequest } from '../policy/policy.js'
import { type EngineAction, type EnginePermit, engineContext, enginePolicy, principalOf } from './question.js'

/** Policies in the Cedar language. */
export interface CedarOptions {
  /** The text of all policies. */
  readonly policies: string
  /** Groups of agents, delegates (`AGENT DELEGATE`) and resources by name: `principal in Group::"NAME"`. Default: none. */
  readonly groups?: Readonly<Record<string, readonly string[]>>
  /** Lists of conditions by name, for the annotation `@conditions("NAME …")`. Default: none. */
  readonly conditions?: Readonly<Record<string, Conditions>>
  /** Lets conditions name loopback `http` identifiers. Default false. */
  readonly development?: boolean
}

const checks: OptionChecks<CedarOptions> = {
  policies: 'string',
  groups: eachMember('strings'),
  conditions: 'object',
  development: 'boolean',
}

const schema = `
entity Group;
entity Agent in [Group];
entity Delegate in [Agent, Group];
entity Resource in [Group];
action direct, consent appliesTo {
  principal: [Agent, Delegate],
  resource: [Resource],
  context: {
    scope: Set<String>,
    purposes: Set<String>,
    purpose?: String,
    user?: String,
    upstream?: { issuer: String, sub?: String, scope: Set<String>, agents: Set<String> },
  },
};`

/**
 * A policy in the Cedar language. Of an agent's request it asks whether `Action::"direct"` is permitted, then `Action::"consent"`; the
 * principal is an `Agent` or a `Delegate` in it, the resource a `Resource`. The annotation `@conditions` of a permit names the conditions
 * that tokens get by it, `@approver` the `sub` of the user who approves single calls. Where several permits apply, the conditions of all
 * are demanded. `by` of an answer has the policies that decided, by their annotation `@id`, or as `policy0` for the first of the text.
 * Needs the package `@cedar-policy/cedar-wasm`.
 * @throws TypeError for policies that do not parse, that ask for what is never in a request, or that name unknown conditions
 * @see protocol §9.1
 * @example
 * ```ts
 * import { cedar } from '@countersign/auth-server/cedar'
 *
 * const policy = cedar({
 *   policies: `
 *     @conditions("office")
 *     permit (principal in Agent::"https://agent.example", action == Action::"consent", resource)
 *     when { ["events.read", "openid"].containsAll(context.scope) };`,
 *   conditions: {
 *     office: [{ type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }],
 *   },
 * })
 * ```
 */
export function cedar(options: CedarOptions): Policy {
  checkOptions('cedar', options, checks, ['policies'])
  const { groups = {}, conditions = {}, development = false } = options
  // bound: fixed
  const lists = new Map(
    Object.entries(conditions).map(([name, list]) => [name, conditionsNamed(name, list, development)]),
  )
  const policies = readPolicies(options.policies)
  const read = new Map(Object.entries(policies).map(([id, text]) => [id, policyOf(text, { id, lists })]))
  const prepared = prepare(policies)
  return enginePolicy(async (request, action) => {
    const { isAllowed, reasons } = judged(request, action, { prepared, groups })
    const applied = reasons.flatMap(id => read.get(id) ?? [])
    return { permit: isAllowed ? together(applied) : undefined, by: applied.map(({ name }) => name) }
  })
}

/** The policies by names of our own, so that an answer leads back to each. */
function readPolicies(text: string): Record<string, string> {
  const parts = policySetTextToParts(text)
  if (parts.type === 'failure') throw new TypeError(`cedar: ${parts.errors[0]?.message ?? 'policies do not parse'}`)
  if (parts.policy_templates.length > 0) throw new TypeError('cedar: templates are never linked here')
  const policies = Object.fromEntries(parts.policies.map((policy, i) => [`policy${i}`, policy]))
  const answer = validate({ schema, policies: { staticPolicies: policies } })
  // A warning is a policy that never applies: a forbid of that kind forbids nothing.
  const faults =
    answer.type === 'failure'
      ? answer.errors
      : [...answer.validationErrors, ...answer.validationWarnings].map(({ error }) => error)
  const [fault] = faults
  if (fault !== undefined) throw new TypeError(`cedar: ${fault.message}`)
  return policies
}

/** Annotations that a policy may have; the last two are for its readers. */
const annotationNames = ['conditions', 'approver', 'id', 'description']

interface ReadPolicy extends EnginePermit {
  /** For operators. */
  readonly name: string
}

/** The name of a policy, and what it permits by its annotations. */
function policyOf(
  text: string,
  { id, lists }: { readonly id: string; readonly lists: ReadonlyMap<string, Conditions> },
): ReadPolicy {
  const answer = policyToJson(text)
  if (answer.type === 'failure') throw new TypeError('cedar: a policy does not parse')
  const { effect } = answer.json
  const annotations = new Map(Object.entries(answer.json.annotations ?? {}))
  // A misspelt one would be ignored, and its permit be wider than it reads.
  const unknown = [...annotations.keys()].find(name => !annotationNames.includes(name))
  if (unknown !== undefined) throw new TypeError(`cedar: unknown annotation '@${unknown}'`)
  const [names, approver] = ['conditions', 'approver'].map(name => annotations.get(name))
  if (names === null || approver === null || approver === '')
    throw new TypeError('cedar: @conditions and @approver must have a value')
  if (effect === 'forbid' && (names ?? approver) !== undefined)
    throw new TypeError('cedar: a forbid has no @conditions and no @approver')
  return {
    name: annotations.get('id') ?? id,
    conditions: names?.split(' ').flatMap(name => lists.get(name) ?? unknownConditions(name)) ?? [],
    approver,
  }
}

function unknownConditions(name: string): never {
  throw new TypeError(`cedar: @conditions names '${name}', which option 'conditions' does not have`)
}

function conditionsNamed(name: string, list: Conditions, development: boolean): Conditions {
  try {
    return parseConditions(list, { development })
  } catch (cause) {
    throw new TypeError(`cedar: the conditions '${name}' are wrong`, { cause })
  }
}

/** Parses policies and schema once. The engine keeps them for the life of the process, so the same text has the same name. */
function prepare(staticPolicies: Readonly<Record<string, string>>): string {
  const name = `countersign ${createHash('sha256').update(JSON.stringify(staticPolicies)).digest('hex')}`
  const answers = [preparseSchema(name, schema), preparsePolicySet(name, { staticPolicies })]
  if (answers.some(({ type }) => type === 'failure')) throw new TypeError('cedar: the policies cannot be prepared')
  return name
}

interface Engine {
  readonly prepared: string
  readonly groups: Readonly<Record<string, readonly string[]>>
}

interface Judged {
  readonly isAllowed: boolean
  /** The policies that decided: permits, or the forbids that overrule them. */
  readonly reasons: readonly string[]
}

/** Judges whether an action is permitted. */
function judged(request: PolicyRequest, action: EngineAction, { prepared, groups }: Engine): Judged {
  const principal = principalOf(request)
  const resource = { type: 'Resource', id: request.resource }
  const agent = { type: 'Agent', id: request.agent }
  const entity = (uid: EntityUid, parents: readonly EntityUid[] = []): EntityJson => ({
    uid,
    attrs: {},
    parents: [...parents, ...groupsOf(uid.id, groups)],
  })
  const answer = statefulIsAuthorized({
    principal,
    resource,
    action: { type: 'Action', id: action },
    validateRequest: true,
    // A copy: the engine takes plain JSON.
    context: JSON.parse(JSON.stringify(engineContext(request))),
    entities: [
      ...(principal.type === 'Delegate' ? [entity(principal, [agent]), entity(agent)] : [entity(agent)]),
      entity(resource),
    ],
    preparsedPolicySetId: prepared,
    preparsedSchemaName: prepared,
  })
  return reasonsOf(answer)
}

interface EntityUid {
  readonly type: string
  readonly id: string
}

function groupsOf(id: string, groups: Engine['groups']): EntityUid[] {
  return Object.entries(groups).flatMap(([name, members]) =>
    members.includes(id) ? [{ type: 'Group', id: name }] : [],
  )
}

function reasonsOf(answer: AuthorizationAnswer): Judged {
  if (answer.type === 'failure') throw unusable(answer.errors.map(({ message }) => message))
  const { decision, diagnostics } = answer.response
  // Cedar skips a policy that fails: a forbid that fails would forbid nothing.
  if (diagnostics.errors.length > 0) throw unusable(diagnostics.errors.map(({ policyId }) => policyId))
  return { isAllowed: decision === 'allow', reasons: diagnostics.reason }
}

function together(permits: readonly EnginePermit[]): EnginePermit {
  const approvers = new Set(permits.flatMap(permit => permit.approver ?? []))
  if (approvers.size > 1) throw unusable(['permits with different approvers apply'])
  return { conditions: permits.flatMap(permit => permit.conditions), approver: [...approvers][0] }
}

function unusable(faults: readonly string[]): AAuthError {
  return refusal('dependency_invalid', { about: 'the policy', cause: { faults }, retryAfter: 30 })
}
