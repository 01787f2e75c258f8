import { setTimeout as sleep } from 'node:timers/promises'
import { errorFields } from '@countersign/protocol/internal'
import type { Logger } from '@countersign/server'
import { inTurns } from './in-turns.js'
import { allOf, type Place, placeOf, type StartWith, serving, startIn } from './place.js'
import { replaceSettings } from './replace-settings.js'

/** Starts in a row that may fail, where no worker is left, before the command gives up. */
const mostFailures = 5
/** Seconds in which the worker that takes the place of another must be ready. */
const patience = 60

/** The workers of a server. */
export interface Crew<S> {
  readonly url: string
  /** Replaces the settings of all workers, or of none. @throws UsageError that says why a worker refuses them */
  replaceSettings(next: S): Promise<void>
  /** The metrics of each worker that answers, by its number. */
  readings(): Promise<ReadonlyArray<readonly [number: number, text: string]>>
  /** How many workers serve, and how many have taken the place of one that ended. */
  state(): { readonly serving: number; readonly restarts: number }
  /** Lets all workers drain. Resolves with whether each has ended well. */
  stop(): Promise<boolean>
  /** Ends all workers at once. */
  kill(): void
}

/** How workers are started. */
export interface CrewOptions<S> {
  readonly count: number
  /** The first worker, which may create keys and database, starts alone. */
  readonly first: StartWith<S>
  /** The settings of the others, and of all later starts. */
  readonly settings: S
  readonly log: Logger
  /** Called when no worker is left, and none could be started. */
  readonly onGivenUp: () => void
}

/** What changes as workers come and go. */
interface Course<S> {
  readonly places: ReadonlyArray<Place<S>>
  readonly log: Logger
  readonly inTurn: <T>(act: () => Promise<T>) => Promise<T>
  settings: S
  restarts: number
  /** Starts that failed since the last one that did not. */
  failures: number
  isStopping: boolean
}

/**
 * Starts workers, and later another one for each that ends. If one cannot start now, all end, and the exit code of this process is
 * that of the worker, which has told why; resolves with undefined then.
 */
export async function openCrew<S>(o: CrewOptions<S>): Promise<Crew<S> | undefined> {
  const places = Array.from({ length: o.count }, (_, index) => placeOf<S>(index + 1))
  const course: Course<S> = {
    places,
    log: o.log,
    settings: o.settings,
    inTurn: inTurns(),
    restarts: 0,
    failures: 0,
    isStopping: false,
  }
  const url = await startAll(places, o)
  if (url === undefined) {
    await stop(course)
    return undefined
  }
  for (const place of places) void keep(place, course).then(o.onGivenUp)
  return {
    url,
    stop: () => stop(course),
    kill() {
      for (const { worker } of allOf(places)) worker.kill('SIGKILL')
    },
    state: () => ({ serving: serving(places).length, restarts: course.restarts }),
    async readings() {
      const asked = serving(places).map(
        async ({ number, worker }) => [number, await worker.ask({ kind: 'metrics' }, 5)] as const,
      )
      return (await Promise.allSettled(asked)).flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    },
    // In turn with restarts: no worker starts with the settings of before while the others take the new ones.
    replaceSettings: next =>
      course.inTurn(async () => {
        await replaceSettings(
          serving(places).map(({ worker }) => worker),
          next,
        )
        course.settings = next
      }),
  }
}

/** Starts the first worker, then the others. Resolves with their URL; undefined when one has ended instead. */
async function startAll<S>(
  [first, ...others]: ReadonlyArray<Place<S>>,
  { first: how, settings }: CrewOptions<S>,
): Promise<string | undefined> {
  const starting = async (place: Place<S>, order: StartWith<S>): Promise<string | undefined> => {
    try {
      return await startIn(place, { ...order, isFirst: true })
    } catch {
      const ending = await place.worker?.ended
      process.exitCode ??= ending?.code || 1
      return undefined
    }
  }
  const url = first && (await starting(first, how))
  if (url === undefined) return undefined
  const urls = await Promise.all(others.map(place => starting(place, { settings, start: 'again' })))
  return urls.includes(undefined) ? undefined : url
}

/** Starts another worker each time the one of a place ends. Resolves when the command gives up; never after it was told to stop. */
async function keep<S>(place: Place<S>, course: Course<S>): Promise<void> {
  for (;;) {
    const ending = await place.worker?.ended
    if (course.isStopping) return new Promise(() => undefined)
    const wait = place.pace.next()
    const fields = { worker: place.number, pid: place.worker?.pid, ...ending, restartsIn: wait / 1000 }
    course.log.error({ event: 'worker_ended', ...fields }, 'a worker has ended: another one takes its place')
    await sleep(wait)
    if ((await course.inTurn(() => restart(place, course))) === 'given up') return
  }
}

async function restart<S>(place: Place<S>, course: Course<S>): Promise<'given up' | undefined> {
  if (course.isStopping) return undefined
  const fields = { worker: place.number }
  try {
    await startIn(place, { settings: course.settings, start: 'again', isFirst: false }, patience)
    course.failures = 0
    course.restarts += 1
    course.log.info({ event: 'worker_ready', ...fields, pid: place.worker?.pid }, 'a worker serves again')
  } catch (error) {
    if (course.isStopping) return undefined
    course.failures += 1
    place.worker?.kill('SIGKILL')
    course.log.error({ event: 'worker_not_started', ...fields, cause: errorFields(error) }, 'a worker did not start')
    if (course.failures < mostFailures || serving(course.places).length > 0) return undefined
    // Within the turn, so that no other worker is on its way.
    course.isStopping = true
    course.log.error({ event: 'workers_given_up', failures: course.failures }, 'no worker is left, and none can start')
    return 'given up'
  }
  return undefined
}

async function stop<S>(course: Course<S>): Promise<boolean> {
  course.isStopping = true
  const all = allOf(course.places)
  const endings = all.map(async ({ worker, isReady }) => {
    worker.kill('SIGTERM')
    const { code } = await worker.ended
    // One that was not ready had no request under way.
    return code === 0 || !isReady
  })
  return (await Promise.all(endings)).every(Boolean)
}
