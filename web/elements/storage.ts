// Browser storage that is always there: where the browser blocks it (its settings, or a sandboxed frame), reading the
// property itself throws, and a store that lives as long as the page takes its place.

// What phoenix and we use of a Storage.
export type Store = Pick<Storage, "getItem" | "setItem">;

// Survives the browser's end where it can.
export function site_storage(): Store {
  return usable(() => localStorage);
}

// Survives a reload of the tab where it can.
export function tab_storage(): Storage {
  return usable(() => sessionStorage) as Storage;
}

const page_values = new Map<string, string>();

const page_storage: Store = {
  getItem: (key) => page_values.get(key) ?? null,
  setItem: (key, value) => void page_values.set(key, value),
};

function usable(open: () => Storage): Store {
  try {
    return open();
  } catch {
    return page_storage;
  }
}
