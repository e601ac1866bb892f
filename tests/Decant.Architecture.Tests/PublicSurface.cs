using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Decant.Architecture.Tests;

/// <summary>
/// What other assemblies can see of one, a line each: types in order of name, below them their members. What the compiler adds to records
/// is left out; it follows from <c>record</c>.
/// </summary>
internal static class PublicSurface
{
    private const BindingFlags declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    };

    public static IEnumerable<string> Describe(Assembly assembly)
    {
        foreach (Type type in assembly.GetExportedTypes().OrderBy(FullName, StringComparer.Ordinal))
        {
            yield return Header(type);
            IEnumerable<string> members = type.IsEnum ? EnumMembers(type) : Members(type).Order(StringComparer.Ordinal);
            foreach (string member in members)
                yield return "    " + member;
        }
    }

    private static string Header(Type type)
    {
        if (type.BaseType == typeof(MulticastDelegate))
            return $"delegate {Name(type.GetMethod("Invoke")!.ReturnType)} {FullName(type)}({Parameters(type.GetMethod("Invoke")!)})";
        string kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : (type.IsValueType ? "struct" : "class");
        if (type.GetMethod("<Clone>$", declared) is not null || (type.IsValueType && type.GetMethod("PrintMembers", declared) is not null))
            kind = type.IsValueType ? "record struct" : "record";
        string modifier = type.IsEnum || type.IsInterface || type.IsValueType ? (type.IsValueType && !type.IsEnum && type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "")
            : type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "";
        List<string> bases = [];
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum))
            bases.Add(Name(parent));
        if (!type.IsEnum)
        {
            IEnumerable<Type> inherited = type.BaseType?.GetInterfaces() ?? [];
            bases.AddRange(type.GetInterfaces().Except(inherited).Where(i => i.IsVisible && !(kind.StartsWith("record", StringComparison.Ordinal) && i.Name == "IEquatable`1")).Select(Name).Order(StringComparer.Ordinal));
        }
        return $"{modifier}{kind} {FullName(type)}{(bases.Count > 0 ? " : " + string.Join(", ", bases) : "")}";
    }

    private static IEnumerable<string> EnumMembers(Type type) => type.GetFields(BindingFlags.Public | BindingFlags.Static)
        .OrderBy(f => Convert.ToInt64(f.GetRawConstantValue(), CultureInfo.InvariantCulture))
        .Select(f => $"{f.Name} = {Convert.ToInt64(f.GetRawConstantValue(), CultureInfo.InvariantCulture)}");

    private static IEnumerable<string> Members(Type type)
    {
        foreach (FieldInfo field in type.GetFields(declared).Where(f => f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly))
            yield return $"{Access(field.IsPublic)}{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{Name(field)} {field.Name}{(field.IsLiteral ? " = " + Literal(field.GetRawConstantValue()) : "")}";
        foreach (ConstructorInfo constructor in type.GetConstructors(declared).Where(c => IsSeen(c) && !IsCopyConstructor(c)))
            yield return $"{Access(constructor.IsPublic)}{type.Name.Split('`')[0]}({Parameters(constructor)})";
        foreach (PropertyInfo property in type.GetProperties(declared).Where(p => p.GetAccessors(nonPublic: true).Any(IsSeen) && p.Name != "EqualityContract"))
        {
            MethodInfo first = property.GetAccessors(nonPublic: true).First(IsSeen);
            string index = property.GetIndexParameters().Length > 0 ? $"[{string.Join(", ", property.GetIndexParameters().Select(Describe))}]" : "";
            yield return $"{Modifiers(first)}{Name(property)} {property.Name}{index} {{ {string.Join(" ", property.GetAccessors(nonPublic: true).Where(IsSeen).Select(Accessor))} }}";
        }
        foreach (EventInfo item in type.GetEvents(declared).Where(e => IsSeen(e.AddMethod!)))
            yield return $"{Modifiers(item.AddMethod!)}event {Name(item.EventHandlerType!)} {item.Name}";
        foreach (MethodInfo method in type.GetMethods(declared).Where(m => IsSeen(m) && !IsAccessor(m) && !m.IsDefined(typeof(CompilerGeneratedAttribute))))
            yield return $"{Modifiers(method)}{Name(method.ReturnParameter)} {method.Name}{TypeParameters(method)}({Parameters(method)})";
    }

    private static bool IsSeen(MethodBase method) => method.IsPublic || ((method.IsFamily || method.IsFamilyOrAssembly) && !method.DeclaringType!.IsSealed);

    private static bool IsAccessor(MethodInfo method) => method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);

    private static bool IsCopyConstructor(ConstructorInfo constructor) =>
        constructor.IsDefined(typeof(CompilerGeneratedAttribute)) && constructor.GetParameters() is [var p] && p.ParameterType == constructor.DeclaringType;

    private static string Accessor(MethodInfo accessor)
    {
        if (accessor.ReturnType != typeof(void))
            return "get;";
        return accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init;" : "set;";
    }

    private static string Access(bool isPublic) => isPublic ? "" : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        bool inInterface = method.DeclaringType!.IsInterface;
        string kind = method.IsStatic ? (method.IsAbstract ? "static abstract " : "static ")
            : inInterface ? ""
            : method.IsAbstract ? "abstract "
            : method.GetBaseDefinition() != method ? "override "
            : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "";
        return Access(method.IsPublic) + kind;
    }

    private static string TypeParameters(MethodInfo method) =>
        method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Describe));

    private static string Describe(ParameterInfo parameter)
    {
        string direction = parameter.ParameterType.IsByRef ? (parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ") : "";
        string prefix = parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "";
        return $"{prefix}{direction}{Name(parameter)} {parameter.Name}{(parameter.HasDefaultValue ? " = " + Literal(parameter.RawDefaultValue) : "")}";
    }

    private static string Literal(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Name(ParameterInfo parameter) => Annotated(parameter.ParameterType, new NullabilityInfoContext().Create(parameter), parameter.Position < 0);

    private static string Name(PropertyInfo property) => Annotated(property.PropertyType, new NullabilityInfoContext().Create(property), isRead: property.CanRead);

    private static string Name(FieldInfo field) => Annotated(field.FieldType, new NullabilityInfoContext().Create(field), isRead: true);

    private static string Annotated(Type type, NullabilityInfo nullability, bool isRead)
    {
        bool canBeNull = (isRead ? nullability.ReadState : nullability.WriteState) == NullabilityState.Nullable;
        Type bare = type.IsByRef ? type.GetElementType()! : type;
        return Name(bare) + (canBeNull && !bare.IsValueType ? "?" : "");
    }

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return Name(type.GetElementType()!);
        if (type.IsPointer)
            return Name(type.GetElementType()!) + "*";
        if (type.IsArray)
            return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsGenericParameter)
            return type.Name;
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Name(inner) + "?";
        if (keywords.TryGetValue(type, out string? keyword))
            return keyword;
        string outer = type.IsNested ? Name(type.DeclaringType!) + "." : "";
        string name = outer + type.Name.Split('`')[0];
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }

    private static string FullName(Type type) => type.IsNested ? FullName(type.DeclaringType!) + "." + Name(type).Split('.')[^1] : $"{type.Namespace}.{Name(type)}";
}
