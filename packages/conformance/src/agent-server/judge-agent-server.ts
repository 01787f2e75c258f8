import { openRandom } from '../case/random.js'
import { runCases } from '../case/run.js'
import { selectCases } from '../case/select.js'
import { type JudgeOptions, openSubject } from '../case/subject.js'
import type { Trial } from '../case/trial.js'
import type { CaseResult } from '../case/verdict.js'
import type { AgentServerConfiguration } from '../config/agent-server-configuration.js'
import { ConfigurationError } from '../config/configuration-error.js'
import { openParticipant } from '../participants/participant.js'
import { readRequirements } from '../requirements.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { jsonBody } from '../wire/message.js'
import { agentServerCases, agentServerNeeds } from './cases.js'
import { openOidcIssuer } from './oidc-cases.js'
import { type AgentServerStage, agentServerPlace, enrolDraft, invitations } from './stage.js'

/**
 * Judges an agent server from outside.
 * @throws NoAnswerError where it does not answer, ConfigurationError where no delegate can be enrolled
 */
export async function judgeAgentServer(o: JudgeOptions<AgentServerConfiguration>): Promise<CaseResult[]> {
  const { url, configuration } = o
  const cases = selectCases(agentServerCases, o.selection)
  const { sender, metadata } = await openSubject(o, 'aauth-agent')
  const { oidc } = configuration
  const otherAgent = await openParticipant({ roles: { 'aauth-agent': () => ({}) } })
  const oidcIssuer = oidc === undefined ? undefined : await openOidcIssuer(oidc.issuer)
  try {
    const random = openRandom(o.seed)
    const key = makeKey()
    const code = invitations(configuration.invite)
    const place = { configuration, url, random, metadata, otherAgent, oidcIssuer, code }
    const empty = agentServerPlace({ ...place, delegate: { key, token: '' } })
    const { response } = await sender('a delegate enrols', signDraft(enrolDraft(empty, key, await code())))
    const token = response === undefined ? undefined : jsonBody(response)?.['agent_token']
    if (typeof token !== 'string')
      throw new ConfigurationError(
        `no delegate can be enrolled: the agent server answers ${response?.status ?? 'nothing'}`,
      )
    return await runCases({
      cases,
      stage: agentServerPlace({ ...place, delegate: { key, token } }),
      needs: agentServerNeeds,
      requirements: readRequirements(),
      sender,
      invariant,
      ...(o.onResult === undefined ? {} : { onResult: o.onResult }),
    })
  } finally {
    await otherAgent.origin.close()
    await oidcIssuer?.origin.close()
  }
}

/** A delegate still renews, and a request without a signature does not. */
async function invariant(trial: Trial, stage: AgentServerStage): Promise<void> {
  await trial.accepted('a delegate renews its token', () => signDraft(stage.right()))
  const { method, target, headers, body } = stage.right()
  await trial.refused('a request without a signature', { method, target, headers, body }, { status: 401 })
}
