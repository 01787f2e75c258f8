import type { z } from 'zod'

/** Says what is wrong with the value of an option. */
export function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_big' || issue.code === 'too_small') return boundOf(issue)
  if (issue.code === 'invalid_type') return typeOf(issue.expected)
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  if (issue.code === 'invalid_format' && issue.format === 'starts_with') return 'must begin with /'
  return issue.message
}

function boundOf(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): string {
  const what = issue.origin === 'array' || issue.origin === 'string' ? 'have' : 'be'
  return issue.code === 'too_big' ? `must ${what} at most ${issue.maximum}` : `must ${what} at least ${issue.minimum}`
}

const types: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  string: 'text',
}

function typeOf(expected: string): string {
  return `must be ${types[expected] ?? expected}`
}
