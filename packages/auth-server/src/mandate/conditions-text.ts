import type { Conditions } from '@countersign/conditions'

/** Conditions for a column; NULL for none. */
export function conditionsText(conditions: Conditions | undefined): string | null {
  return conditions === undefined || conditions.length === 0 ? null : JSON.stringify(conditions)
}

/** Conditions of a column. They were read before they were stored. */
export function conditionsIn(text: string | null): Conditions | undefined {
  return text === null ? undefined : (JSON.parse(text) as Conditions)
}

/** Purposes for a column; NULL for none. */
export function purposesText(purposes: readonly string[] | undefined): string | null {
  return purposes === undefined || purposes.length === 0 ? null : purposes.join(' ')
}

/** Purposes of a column. */
export function purposesIn(text: string | null): readonly string[] | undefined {
  return text === null ? undefined : text.split(' ')
}
