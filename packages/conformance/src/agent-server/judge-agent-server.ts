import { openRandom } from '../case/random.js'
import { runCases } from '../case/run.js'
import { selectCases } from '../case/select.js'
import { type JudgeOptions, openSubject } from '../case/subject.js'
import { errorOf, openTrial, type Trial } from '../case/trial.js'
import type { CaseResult } from '../case/verdict.js'
import type { AgentServerConfiguration } from '../config/agent-server-configuration.js'
import { ConfigurationError } from '../config/configuration-error.js'
import { openParticipant, type Participant } from '../participants/participant.js'
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
  const { participants } = configuration
  const opened: Participant[] = []
  const keep = (participant: Participant): Participant => {
    opened.push(participant)
    return participant
  }
  try {
    const roles = { 'aauth-agent': () => ({}) }
    const otherAgent = keep(await openParticipant({ place: participants.otherAgentServer, roles }))
    const oidcIssuer =
      configuration.oidc === undefined ? undefined : keep(await openOidcIssuer(participants.oidcIssuer))
    const random = openRandom(o.seed)
    const key = makeKey()
    const code = invitations(configuration.invite)
    const limitedCode = invitations(configuration.inviteWithConditions ?? [])
    const place = { configuration, url, random, metadata, otherAgent, oidcIssuer, code, limitedCode }
    const empty = agentServerPlace({ ...place, delegate: { key, token: '' } })
    // A server that has just started may put the first request off, so it is signed anew where it was not processed.
    const invited = await code()
    const enrol = () => signDraft(enrolDraft(empty, key, invited))
    const response = await openTrial(sender).accepted('a delegate enrols', enrol)
    const token = response === undefined ? undefined : jsonBody(response)?.['agent_token']
    if (typeof token !== 'string') {
      const answer = response === undefined ? 'nothing' : `${response.status} ${errorOf(response) ?? ''}`.trim()
      throw new ConfigurationError(`no delegate can be enrolled: the agent server answers ${answer}`)
    }
    return await runCases({
      cases,
      stage: agentServerPlace({ ...place, delegate: { key, token } }),
      needs: agentServerNeeds,
      requirements: readRequirements(),
      sender,
      invariant,
      onProgress: o.onProgress,
      onResult: o.onResult,
    })
  } finally {
    await Promise.all(opened.map(({ origin }) => origin.close()))
  }
}

/** A delegate still renews, and a request without a signature does not. */
async function invariant(trial: Trial, stage: AgentServerStage): Promise<void> {
  await trial.accepted('a delegate renews its token', () => signDraft(stage.right()))
  const { method, target, headers, body } = stage.right()
  await trial.refused('a request without a signature', { method, target, headers, body }, { status: 401 })
}
