import cluster from 'node:cluster'
import type { Start } from '../server/first-start.js'
import { type Hired, hire } from './orders.js'
import { type RestartPace, restartPace } from './restart-pace.js'
import { workerVariable } from './worker.js'

/** A place that one worker after the other takes. */
export interface Place<S> {
  /** From 1; names the worker in logs and metrics. */
  readonly number: number
  readonly pace: RestartPace
  /** Also one that has ended. */
  worker?: Hired<S>
  isReady: boolean
}

/** A place whose worker has been started. */
export type TakenPlace<S> = Place<S> & { readonly worker: Hired<S> }

/** With which settings a worker starts, and what it may create. */
export interface StartWith<S> {
  readonly settings: S
  readonly start: Start
}

/** An empty place. */
export function placeOf<S>(number: number): Place<S> {
  return { number, pace: restartPace(() => performance.now()), isReady: false }
}

/** The places that have had a worker. */
export function allOf<S>(places: ReadonlyArray<Place<S>>): Array<TakenPlace<S>> {
  return places.filter((place): place is TakenPlace<S> => place.worker !== undefined)
}

/** The places whose worker serves. */
export function serving<S>(places: ReadonlyArray<Place<S>>): Array<TakenPlace<S>> {
  return allOf(places).filter(({ isReady }) => isReady)
}

/**
 * Starts a worker, and resolves with its URL once it serves.
 * @param seconds in which it must be ready; default any
 * @throws Error when it ends or is late; UsageError that says what it refuses
 */
export async function startIn<S>(
  place: Place<S>,
  order: StartWith<S> & { readonly isFirst: boolean },
  seconds?: number,
): Promise<string> {
  const worker = hire<S>(cluster.fork({ [workerVariable]: String(place.number) }))
  place.worker = worker
  void worker.ended.then(() => {
    place.isReady = false
  })
  const url = await worker.ask({ kind: 'start', ...order }, seconds)
  place.isReady = true
  place.pace.ready()
  return url
}
