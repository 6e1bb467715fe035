/** Ways in which browsers refuse what the SDK asks of them. */

const REFUSED = () => new DOMException('denied', 'SecurityError');

export type Breakage = 'is missing' | 'can not be looked at' | 'throws' | 'rejects';

/** Breaks a member of a browser's object, and returns how to mend it. */
export function breakMember(owner: object, name: string, breakage: Breakage): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { configurable: true, ...broken(breakage) });
  return () => {
    Reflect.deleteProperty(owner, name);
    if (before) Object.defineProperty(owner, name, before);
  };
}

function broken(breakage: Breakage): PropertyDescriptor {
  switch (breakage) {
    case 'is missing':
      return { value: undefined };
    case 'can not be looked at':
      return {
        get() {
          throw REFUSED();
        },
      };
    case 'throws':
      return {
        value: () => {
          throw REFUSED();
        },
      };
    case 'rejects':
      return { value: () => Promise.reject(REFUSED()) };
  }
}
