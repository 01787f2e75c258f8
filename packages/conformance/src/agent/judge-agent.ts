import { type Progress, runCases } from '../case/run.js'
import { type Selection, selectCases } from '../case/select.js'
import type { Trial } from '../case/trial.js'
import type { CaseResult } from '../case/verdict.js'
import type { AgentConfiguration } from '../config/agent-configuration.js'
import { publishedKeys } from '../participants/caller.js'
import { openTokenDesk } from '../participants/desk.js'
import type { Origin } from '../participants/origin.js'
import {
  type MoreMembers,
  openParticipant,
  type Participant,
  type Place,
  type Role,
} from '../participants/participant.js'
import { readRequirements } from '../requirements.js'
import { agentCases, agentNeeds } from './cases.js'
import { issuerMembers } from './issuer.js'
import { openPrograms } from './program.js'
import { openSite } from './site.js'
import { type AgentStage, call, done } from './stage.js'

/** Judges an agent by what it sends and what it refuses. */
export async function judgeAgent(o: {
  readonly configuration: AgentConfiguration
  readonly selection: Selection
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly onResult?: ((result: CaseResult) => void) | undefined
}): Promise<CaseResult[]> {
  const { configuration } = o
  const { identity, site, participants } = configuration
  const cases = selectCases(agentCases, o.selection)
  const opened: Origin[] = []
  const open = async (place: Place, more: Partial<Record<Role, MoreMembers>> = {}): Promise<Participant> => {
    const participant = await openParticipant({ place, roles: { 'aauth-issuer': issuerMembers, ...more } })
    opened.push(participant.origin)
    return participant
  }
  try {
    if (site !== undefined && identity !== undefined) opened.push(await openSite(site, identity))
    const authServer = await open(participants.authServer)
    const stage: AgentStage = {
      configuration,
      authServer,
      otherAuthServer: await open(participants.otherAuthServer),
      stranger: await open({}, { 'aauth-resource': () => ({}) }),
      desk: openTokenDesk(authServer),
      keys: publishedKeys(identity),
      controls: new Map(),
      runProgram: openPrograms(),
      now: () => Math.floor(Date.now() / 1000),
    }
    return await runCases({
      cases,
      stage,
      needs: agentNeeds,
      requirements: readRequirements(),
      sender: () => Promise.reject(new TypeError('an agent is sent nothing')),
      invariant,
      atOnce: true,
      onProgress: o.onProgress,
      onResult: o.onResult,
    })
  } finally {
    await Promise.all(opened.map(origin => origin.close()))
  }
}

/** The agent still calls a resource that asks for nothing. */
async function invariant(trial: Trial, stage: AgentStage): Promise<void> {
  const { visits, succeeded } = await call(trial, stage, { title: 'a GET', answer: done })
  trial.holds('the agent makes a success of a GET', succeeded && visits.length > 0)
}
