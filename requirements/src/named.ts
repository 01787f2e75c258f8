/** Whether a list names a clause: by its id, or by the beginning of its id that ends with a dot. */
export function isNamed(id: string, names: readonly string[]): boolean {
  return names.some(name => id === name || (name.endsWith('.') && id.startsWith(name)))
}
