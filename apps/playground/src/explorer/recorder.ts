import type { Participants } from '../participants.js'
import { playScenario, type ScenarioName, scenarioNames } from '../play.js'
import type { StoryUsers } from '../story-user.js'
import type { LiveEvent, ShownMessage, StoryCheck, StoryRun } from './contract.js'
import { shownMessage } from './shown-message.js'

/** Records what flows between the participants, plays stories, and tells listeners of both as it happens. */
export interface Recorder {
  /** The last run of a story; one that was never played is `waiting`. */
  run(story: ScenarioName): StoryRun
  /** A message by its id, if it is still remembered. */
  message(id: number): ShownMessage | undefined
  /** The latest messages outside of stories, oldest first. */
  others(): readonly ShownMessage[]
  /** Plays a story after those that wait; resolves when it has ended. */
  play(story: ScenarioName, users?: StoryUsers): Promise<StoryRun>
  /** Runs something else alone, so that its messages do not mix with a story's. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Runs the last work of this recorder, after what runs already. All that waits then is refused. */
  end(work: () => Promise<void>): Promise<void>
  listen(listener: (event: LiveEvent) => void): () => void
  /** Tells listeners of something that is not a message or a story. */
  tell(event: LiveEvent): void
}

/** Messages outside of stories that are remembered. */
const mostOthers = 500

interface MutableRun extends StoryRun {
  state: StoryRun['state']
  ok?: boolean
  readonly checks: StoryCheck[]
  readonly messages: ShownMessage[]
}

const waiting = (story: string): MutableRun => ({ story, state: 'waiting', checks: [], messages: [] })

export function createRecorder(participants: Participants): Recorder {
  // bound: stories; grown by the program
  const runs = new Map(scenarioNames.map(name => [name, waiting(name)]))
  // bound: mostOthers; grown by the program
  const others: ShownMessage[] = []
  // bound: mostListeners, and the attacks; grown by the program
  const listeners = new Set<(event: LiveEvent) => void>()
  let playing: MutableRun | undefined
  let last = 0
  const tell = (event: LiveEvent): void => {
    for (const listener of listeners) listener(event)
  }
  participants.listen(exchange => {
    const message = shownMessage(exchange, ++last, participants.addresses)
    const story = playing?.story
    // bound: messages of a story; grown by the program
    if (playing === undefined) {
      others.push(message)
      if (others.length > mostOthers) others.shift()
    } else playing.messages.push(message)
    tell({ type: 'message', message, ...(story === undefined ? {} : { story }) })
  })
  const { alone, end } = oneAtATime()
  const begin = (story: ScenarioName): MutableRun => {
    const run: MutableRun = { ...waiting(story), state: 'playing' }
    runs.set(story, run)
    playing = run
    tell({ type: 'story', story, state: 'playing' })
    return run
  }
  return {
    run: story => runs.get(story) ?? waiting(story),
    message: id =>
      [...runs.values(), { messages: others }].flatMap(({ messages }) => messages).find(one => one.id === id),
    others: () => others,
    play: (story, users) =>
      alone(async () => {
        let run = waiting(story)
        const onBegin = (): void => {
          run = begin(story)
        }
        const onCheck = (check: StoryCheck): void => {
          // bound: claims of a story; grown by the program
          run.checks.push(check)
          tell({ type: 'check', story, check })
        }
        const { ok } = await playScenario(participants, story, { users, onBegin, onCheck })
        playing = undefined
        Object.assign(run, { state: 'ended', ok })
        tell({ type: 'story', story, state: 'ended', ok })
        return run
      }),
    alone,
    end,
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    tell,
  }
}

/** Runs pieces of work one after another, until the last one has begun. */
function oneAtATime(): Pick<Recorder, 'alone' | 'end'> {
  let queue: Promise<unknown> = Promise.resolve()
  let isOver = false
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(() => {
      if (isOver) throw new Error('the playground has started afresh')
      return work()
    })
    queue = done.catch(() => undefined)
    return done
  }
  const end = (work: () => Promise<void>): Promise<void> =>
    alone(() => {
      isOver = true
      return work()
    })
  return { alone, end }
}
