import { NoAnswerError } from '../no-answer-error.js'
import { jsonBody } from '../wire/message.js'
import { send } from '../wire/send.js'
import type { Progress } from './run.js'
import type { Selection } from './select.js'
import type { Sender } from './trial.js'
import type { CaseResult } from './verdict.js'

/** How a participant is judged. */
export interface JudgeOptions<Configuration> {
  /** Where it listens. */
  readonly url: URL
  readonly configuration: Configuration
  readonly selection: Selection
  readonly seed: number
  /** Whether cases may wait for half a minute. */
  readonly slow: boolean
  /** Told of each case as it begins and as it ends. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Told of each result at once. */
  readonly onResult?: ((result: CaseResult) => void) | undefined
}

/**
 * Fetches the metadata of the participant under test.
 * @throws NoAnswerError where it does not answer
 */
export async function openSubject(
  o: JudgeOptions<{ readonly id?: string | undefined; readonly deadline: number }>,
  document: string,
): Promise<{ sender: Sender; metadata: Readonly<Record<string, unknown>>; isPublished: boolean }> {
  const { url, configuration } = o
  const sender: Sender = (title, what) => send(url, what, { title, deadline: configuration.deadline })
  const { response, trouble } = await sender('metadata', {
    method: 'GET',
    target: `/.well-known/${document}`,
    headers: [['host', new URL(configuration.id ?? url.origin).host]],
    body: Buffer.alloc(0),
  })
  if (response === undefined) throw new NoAnswerError(`${url.origin} does not answer: ${trouble}`)
  const metadata = response.status === 200 ? jsonBody(response) : undefined
  return { sender, metadata: metadata ?? {}, isPublished: metadata !== undefined }
}
