// What a rollout was like, for its way back: each look for contacts, and each substep as it began.

struct Moment {  // a substep
    float h;  // [s]
    Array<Pose> poses;
    Array<Vec3> v, w;              // velocities that it began with
    Array<Moving<float>> moving;   // those of free motion
    Array<Row<float>> rows;        // with the impulses to begin with
    Array<Relative<float>> before;
};

struct Look {
    int step;
    Array<Contact> contacts;  // with what they did in the last of these substeps
    Array<Moment> moments;
};

struct Tape {
    Array<Look> looks;
    Array<Array<uint8_t>> asleep;  // after each step
};
