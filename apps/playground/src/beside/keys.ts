/** The keys that a call of the calendar with a user rests on, by their holders and files. */
export const aauthKeys: ReadonlyArray<readonly [holder: string, file: string]> = [
  ['agent server', 'agent-server/keys.json'],
  ['auth server', 'auth-server/keys.json'],
  ['calendar', 'calendar-keys.json'],
]
/** The keys of the other domain. */
export const roomsKeys: ReadonlyArray<readonly [holder: string, file: string]> = [
  ['auth server of rooms', 'rooms-auth-server/keys.json'],
  ['rooms', 'rooms-keys.json'],
]
