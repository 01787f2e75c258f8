import { readFileSync } from 'node:fs'
import { askUsers, directGrants, firstOf, type Policy } from '@countersign/auth-server'
import { type Conditions, parseConditions } from '@countersign/conditions'
import { UsageError } from '@countersign/fetch/internal'
import { AAuthError } from '@countersign/protocol'
import { z } from 'zod'
import { defined } from '../flags/defined.js'

/** Conditions, as protocol §9 has them. Whether identifiers may be loopback ones is judged by the server. */
const conditionList = z.array(z.unknown()).transform((list, context): Conditions => {
  try {
    return parseConditions(list, { development: true })
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    context.addIssue({ code: 'custom', message: error.description })
    return z.NEVER
  }
})

const grant = z.strictObject({
  agent: z.string().describe('the agent server that is granted access'),
  delegates: z
    .union([z.enum(['none', 'any']), z.array(z.string())])
    .default('none')
    .describe('which of its delegates share the grant'),
  resource: z.string().describe('the resource'),
  scopes: z.array(z.string()).min(1).describe('the scopes, each exactly'),
  conditions: conditionList.optional().describe('conditions of every token of it; default none'),
  approver: z.string().optional().describe('sub of the user who approves single calls; default nobody'),
})

const listOrAny = z.union([z.literal('any'), z.array(z.string()).min(1)])

const question = z.strictObject({
  agents: listOrAny.describe('the agents whose requests users decide about'),
  delegates: z
    .union([z.enum(['none', 'any']), z.array(z.string())])
    .default('any')
    .describe('which of their delegates; the page names the delegate'),
  resources: listOrAny.describe("the resources; self is the agent's own, as when it signs users in"),
  scopes: listOrAny.default('any').describe('the scopes, openid, profile and email among them'),
  conditions: conditionList
    .optional()
    .describe('conditions of every token of it, beside those that its user chooses; default none'),
})

/** The options that say who may do what. */
export const policyOptions = {
  grants: z.array(grant).default([]).describe('access that is granted without asking a user; default none'),
  ask: z.array(question).default([]).describe('access that users decide about when no grant allows it; default none'),
  cedar: z
    .strictObject({
      policiesFile: z.string().describe('file of policies in the Cedar language'),
      groups: z
        .record(z.string(), z.array(z.string()))
        .default({})
        .describe('agents, delegates (AGENT DELEGATE) and resources by the name of their group; default none'),
      conditions: z
        .record(z.string(), conditionList)
        .default({})
        .describe('lists of conditions by name, for the annotation @conditions; default none'),
    })
    .optional()
    .describe('policies in the Cedar language, in place of grants and ask; default none'),
  authzen: z
    .strictObject({
      url: z.string().describe('base URL of the decision point'),
      tokenFile: z.string().optional().describe('file that holds the bearer token of its questions; default none'),
      deadline: z.coerce.number().min(0.1).max(10).optional().describe('seconds that a question may take; default 2'),
    })
    .optional()
    .describe('a decision point that speaks OpenID AuthZEN, in place of grants and ask; default none'),
}

const policySettings = z.strictObject(policyOptions)

/** The values of {@link policyOptions}. */
export type PolicySettings = z.infer<typeof policySettings> & { readonly development: boolean }

/** Makes the policy. One kind of it decides: two would leave open which of them a denial of the other falls to. */
export async function policyOf(settings: PolicySettings): Promise<Policy> {
  const { grants, ask, cedar, authzen, development } = settings
  const lists = grants.length > 0 || ask.length > 0
  if ([lists, cedar !== undefined, authzen !== undefined].filter(Boolean).length > 1)
    throw new UsageError('cedar or authzen decides alone: leave out the other, grants and ask')
  if (cedar !== undefined) return cedarPolicy(cedar, development)
  if (authzen === undefined) return firstOf(directGrants(grants.map(defined)), askUsers(ask.map(defined)))
  const { url, tokenFile, deadline } = authzen
  const { authzen: ofDecisionPoint } = await import('@countersign/auth-server/authzen')
  return ofDecisionPoint({
    url,
    development,
    dangerouslyAllowLoopbackHttp: development,
    ...defined({ deadline, headers: tokenFile === undefined ? undefined : bearerOf(tokenFile) }),
  })
}

async function cedarPolicy(
  { policiesFile, ...named }: NonNullable<PolicySettings['cedar']>,
  development: boolean,
): Promise<Policy> {
  const { cedar } = await loadCedar()
  try {
    return cedar({ policies: readFileSync(policiesFile, 'utf8'), ...named, development })
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`${policiesFile}: ${error.message}`)
    throw error
  }
}

async function loadCedar(): Promise<typeof import('@countersign/auth-server/cedar')> {
  try {
    return await import('@countersign/auth-server/cedar')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new UsageError(
      'the option cedar needs @cedar-policy/cedar-wasm, which is not installed here: npm install @cedar-policy/cedar-wasm',
    )
  }
}

function bearerOf(file: string): Record<string, string> {
  return { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` }
}
