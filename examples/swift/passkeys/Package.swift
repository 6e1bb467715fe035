// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "passkeys",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: "../../../sdks/swift")],
    targets: [
        .executableTarget(
            name: "passkeys",
            dependencies: [
                .product(name: "Keymoor", package: "swift"), .product(name: "KeymoorLinux", package: "swift"),
            ]
        )
    ]
)
