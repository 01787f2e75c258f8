import type { Model } from './read.mjs'

/** What one search has found. */
export interface Row {
  readonly title: string
  /** The protection whose removal it shows. */
  readonly name?: string
  readonly broken?: string
  readonly states: number
  readonly steps: readonly string[]
}

/** The rows of each model, by its name. */
export type Results = Readonly<Record<string, readonly Row[]>>

/** What the last run found, which the pages are made of. */
export declare const resultsFile: string
/** docs/model.md with its results, between two comments, replaced. */
export function withTable(page: string, models: readonly Model[], results: Results): string
/** docs/model-traces.md, whole. */
export function tracesPage(models: readonly Model[], results: Results): string
