import type { Dialect } from '@countersign/store'
import { type RawBuilder, sql } from 'kysely'

/** The elements of an array as rows with a `value`, for statements about many rows. */
export function elementsOf(array: readonly unknown[], dialect: Dialect): RawBuilder<unknown> {
  const json = JSON.stringify(array)
  return dialect === 'sqlite' ? sql`json_each(${json})` : sql`jsonb_array_elements(${json}::jsonb) as t(value)`
}
