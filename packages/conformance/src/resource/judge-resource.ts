import { openRandom } from '../case/random.js'
import { runCases } from '../case/run.js'
import { selectCases } from '../case/select.js'
import { type JudgeOptions, openSubject } from '../case/subject.js'
import type { Trial } from '../case/trial.js'
import type { CaseResult } from '../case/verdict.js'
import type { ResourceConfiguration } from '../config/resource-configuration.js'
import { readRequirements } from '../requirements.js'
import { signDraft } from '../signing/draft.js'
import { resourceCases } from './cases.js'
import { resourceNeeds } from './needs.js'
import { callerFor, draftFor, lowestRoute, openResourceStage, type ResourceStage } from './stage.js'

/**
 * Judges a resource from outside.
 * @throws NoAnswerError where it does not answer
 */
export async function judgeResource(o: JudgeOptions<ResourceConfiguration>): Promise<CaseResult[]> {
  const { url, configuration, seed } = o
  const cases = selectCases(resourceCases, o.selection)
  const { sender, metadata, isPublished } = await openSubject(o, 'aauth-resource')
  const { stage, close } = await openResourceStage({ configuration, url, random: openRandom(seed), slow: o.slow })
  try {
    return await runCases({
      cases,
      stage: { ...stage, metadata: isPublished ? metadata : undefined },
      needs: resourceNeeds,
      requirements: readRequirements(),
      sender,
      invariant,
      onProgress: o.onProgress,
      onResult: o.onResult,
    })
  } finally {
    await close()
  }
}

/** A valid request is still accepted, and one without a signature is not. */
async function invariant(trial: Trial, stage: ResourceStage): Promise<void> {
  const route = lowestRoute(stage)
  const draft = () => draftFor(stage, route, callerFor(stage, route))
  await trial.accepted('a valid request', () => signDraft(draft()))
  const { method, target, headers, body } = draft()
  await trial.refused('a request without a signature', { method, target, headers, body }, { status: 401 })
}
