import { openRandom } from '../case/random.js'
import { runCases } from '../case/run.js'
import { selectCases } from '../case/select.js'
import { type JudgeOptions, openSubject } from '../case/subject.js'
import type { Trial } from '../case/trial.js'
import type { CaseResult } from '../case/verdict.js'
import type { AuthServerConfiguration } from '../config/auth-server-configuration.js'
import {
  type MoreMembers,
  openParticipant,
  type Participant,
  type Place,
  publishBriefly,
  type Role,
} from '../participants/participant.js'
import { readRequirements } from '../requirements.js'
import { signDraft } from '../signing/draft.js'
import { openUser } from '../user/open-user.js'
import { jsonBody } from '../wire/message.js'
import { authServerCases, authServerNeeds } from './cases.js'
import { markup } from './live-markup.js'
import { type AuthServerStage, authServerPlace } from './stage.js'

/**
 * Judges an auth server from outside.
 * @throws NoAnswerError where it does not answer
 */
export async function judgeAuthServer(o: JudgeOptions<AuthServerConfiguration>): Promise<CaseResult[]> {
  const { url, configuration } = o
  const cases = selectCases(authServerCases, o.selection)
  const { sender, metadata } = await openSubject(o, 'aauth-issuer')
  const opened: Participant[] = []
  const open = async (place: Place, roles: Partial<Record<Role, MoreMembers>>): Promise<Participant> => {
    const participant = await openParticipant({ place, roles })
    opened.push(participant)
    return participant
  }
  const issuer = configuration.id ?? url.origin
  const { agentServer, otherAgentServer, resource, otherResource, upstreamAuthServer, middle } =
    configuration.participants
  const user = configuration.user === undefined ? undefined : openUser(configuration.user)
  const openAgent = async (place: Place, members?: object): Promise<Participant> =>
    answerBrowsers(await open(place, { 'aauth-agent': id => ({ ...agentMembers(id), ...members }) }))
  const openResource = (place: Place): Promise<Participant> =>
    open(place, { 'aauth-resource': resourceMembers(configuration, issuer) }).then(takeNotices)
  try {
    const agent = await openAgent(agentServer)
    const first = await openResource(resource)
    const describeScopes = (more: string, grave?: readonly string[]): void =>
      publishBriefly(first, 'aauth-resource', resourceMembers(configuration, issuer, { more, grave })(first.id))
    // Its words change in one case: until then they are kept for a short time, too.
    describeScopes('')
    const stage = authServerPlace({
      configuration,
      url,
      random: openRandom(o.seed),
      metadata,
      agent,
      otherAgent: await openAgent(otherAgentServer),
      resource: first,
      describeScopes,
      otherResource: await openResource(otherResource),
      upstream: await open(upstreamAuthServer, { 'aauth-issuer': issuerMembers, 'aauth-agent': agentMembers }),
      middle: takeNotices(answerBrowsers(await open(middle, middleRoles(configuration, issuer)))),
      user,
      slow: o.slow,
      // Under public names only the declared agents can be reached.
      openAgent: async members =>
        agentServer.id === undefined ? openAgent({ secret: agentServer.secret }, members) : agent,
    })
    const { onProgress, onResult } = o
    const requirements = readRequirements()
    return await runCases({
      cases,
      stage,
      needs: authServerNeeds,
      requirements,
      sender,
      invariant,
      onProgress,
      onResult,
    })
  } finally {
    await user?.close()
    await Promise.all(opened.map(({ origin }) => origin.close()))
  }
}

/** What the middle is: a resource that calls another one as an agent. */
function middleRoles(configuration: AuthServerConfiguration, issuer: string): Partial<Record<Role, MoreMembers>> {
  const { exchangeScope: scope } = configuration
  return { 'aauth-agent': agentMembers, 'aauth-resource': resourceMembers(configuration, issuer, { scope }) }
}

const agentMembers: MoreMembers = id => ({
  redirect_uris: [`${id}/callback`, `${id}/callback-2`],
  name: 'Conformance suite',
})

/** Answers notices of ended grants. */
function takeNotices(resource: Participant): Participant {
  resource.origin.answer('/revoked-grants', () => ({ status: 204, body: '' }))
  return resource
}

/** The words of the suite's resources, and the conditions that they enforce: all but `arguments`. */
const conditionMembers = {
  purposes: { support: `Answer guests ${markup('purposes')}`, billing: 'Send bills' },
  operations: { pay: `Pay a bill ${markup('operation')}`, close: { description: 'Close the account', grave: true } },
  constraints_supported: ['resources', 'scopes', 'purposes', 'until', 'hours', 'calls', 'chain', 'data', 'approval'],
}

/** What browsers see that come back with an answer. */
function answerBrowsers(agent: Participant): Participant {
  const page = {
    headers: { 'content-type': 'text/html' },
    body: '<title>Conformance suite</title>The answer has come.',
  }
  for (const path of ['/callback', '/callback-2']) agent.origin.answer(path, () => page)
  return agent
}

const issuerMembers: MoreMembers = id => ({
  agent_token_endpoint: `${id}/agent/token`,
  agent_auth_endpoint: `${id}/agent/auth`,
  request_types_supported: ['auth', 'code', 'refresh'],
  agent_signing_algs_supported: ['Ed25519'],
})

function resourceMembers(
  { directScopes, consentScope, graveScope }: AuthServerConfiguration,
  issuer: string,
  o: {
    readonly scope?: string | undefined
    readonly more?: string
    /** Scopes that are far-reaching; default the one that is declared. */
    readonly grave?: readonly string[] | undefined
  } = {},
): MoreMembers {
  const { scope, more = '', grave = graveScope === undefined ? [] : [graveScope] } = o
  const scopes = [...directScopes, consentScope, graveScope, scope].filter(name => name !== undefined)
  return id => ({
    resource_token_endpoint: `${id}/token`,
    auth_servers: [issuer],
    supported_scopes: scopes,
    scope_descriptions: Object.fromEntries(
      scopes.map(name => [name, `The scope ${name} of the conformance suite${more} ${markup('scope')}`]),
    ),
    ...(grave.length === 0 ? {} : { grave_scopes: grave }),
    revocation_endpoint: `${id}/revoked-grants`,
    ...conditionMembers,
  })
}

/** The agent still gets its direct grant; without a signature nothing is granted. */
async function invariant(trial: Trial, stage: AuthServerStage): Promise<void> {
  await trial.accepted('a request with a resource token', () => signDraft(stage.right()))
  const { method, target, headers, body } = stage.right()
  const response = await trial.refused(
    'a request without a signature',
    { method, target, headers, body },
    { status: 401 },
  )
  const granted = response === undefined ? undefined : jsonBody(response)?.['auth_token']
  trial.holds('nothing is granted for it', granted === undefined)
}
