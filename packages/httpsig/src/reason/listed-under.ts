/**
 * The code or status under which a reason is listed. A list has names, or what several names begin with, set apart by single spaces; the first
 * list that has the reason counts.
 */
export function listedUnder(lists: Readonly<Record<string | number, string>>, reason: string): string | undefined {
  return Object.keys(lists).find(key => lists[key]?.split(' ').some(name => reason.startsWith(name)))
}
